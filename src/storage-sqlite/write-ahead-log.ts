// SQLite takes the first frame of its write-ahead log that does not add up for the end of it, as it must after a power cut, and forgets what
// comes behind. A cut can only tear the transaction that was being written: when whole ones lie behind the gap, the log was damaged later,
// and acknowledged writes are in them. Source: the SQLite file format, section 4.
import { readFileSync } from 'node:fs'

const headerBytes = 32
const frameHeaderBytes = 24

/** @returns what is wrong with the log; undefined when nothing is. */
export function damageOfLog(path: string): string | undefined {
  const log = readIfThere(path)
  if (!log || log.length <= headerBytes) return undefined
  const header = readHeader(log)
  // The header is synced before the first frame is written.
  if (!header) return log.subarray(headerBytes).some((byte) => byte !== 0) ? 'the beginning of its write-ahead log is lost' : undefined
  const size = frameHeaderBytes + header.pageSize
  let sum = header.sum
  let gap = false
  let commits = 0
  for (let at = headerBytes; at + size <= log.length; at += size) {
    if (!log.subarray(at + 8, at + 16).equals(header.salt)) {
      gap = true
      continue
    }
    sum = checksum(log.subarray(at, at + 8), sum, header)
    sum = checksum(log.subarray(at + frameHeaderBytes, at + size), sum, header)
    const stored: Sum = [log.readUInt32BE(at + 16), log.readUInt32BE(at + 20)]
    if (sum[0] !== stored[0] || sum[1] !== stored[1]) gap = true
    sum = stored
    const endsTransaction = log.readUInt32BE(at + 4) !== 0
    if (gap && endsTransaction && ++commits > 1) return 'its write-ahead log has a gap'
  }
  return undefined
}

/** Whether it has begun: its beginning is on the disk before the database knows of it. */
export function isLogThere(path: string): boolean {
  const log = readIfThere(path)
  return log !== undefined && log.length > headerBytes && readHeader(log) !== undefined
}

type Sum = readonly [number, number]

interface Header {
  pageSize: number
  salt: Buffer
  sum: Sum
  littleEndian: boolean
}

function readHeader(log: Buffer): Header | undefined {
  const magic = log.readUInt32BE(0)
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined
  const littleEndian = magic === 0x377f0682
  const sum = checksum(log.subarray(0, 24), [0, 0], { littleEndian })
  if (sum[0] !== log.readUInt32BE(24) || sum[1] !== log.readUInt32BE(28)) return undefined
  return { pageSize: log.readUInt32BE(8), salt: log.subarray(16, 24), sum, littleEndian }
}

function checksum(bytes: Buffer, [a, b]: Sum, { littleEndian }: { littleEndian: boolean }): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) >>> 0
    b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0
  }
  return [a, b]
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
