// A log file that grows and is rotated under the reader's feet: whole lines of it, from the n-th last on.
import { open, stat, type FileHandle } from 'node:fs/promises'

const blockSize = 64 * 1024
const newline = 0x0a

export interface LogFile {
  /** Whole lines up to the end of what is written now, each with its newline. */
  lines(): AsyncGenerator<Buffer>
  /** The rest after the last newline. */
  remainder(): Buffer
  /** Whether another file has this one's name by now. */
  isReplaced(): Promise<boolean>
  close(): Promise<void>
}

/** @param tail start at the n-th line before the end; undefined for the whole file. */
export async function openLogFile(path: string, tail?: number): Promise<LogFile> {
  const handle = await open(path, 'r')
  let position = tail === undefined ? 0 : await tailPosition(handle, tail)
  let held: Buffer = Buffer.alloc(0)
  return {
    async *lines() {
      for (;;) {
        const block = Buffer.allocUnsafe(blockSize)
        const { bytesRead } = await handle.read(block, 0, blockSize, position)
        if (bytesRead === 0) return
        position += bytesRead
        let all = held.length > 0 ? Buffer.concat([held, block.subarray(0, bytesRead)]) : block.subarray(0, bytesRead)
        for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline)) {
          const line = all.subarray(0, end + 1)
          all = all.subarray(end + 1)
          held = all
          yield line
        }
        held = Buffer.from(all)
      }
    },
    remainder: () => held,
    async isReplaced() {
      const [mine, named] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)])
      return named !== undefined && (named.ino !== mine.ino || named.dev !== mine.dev)
    },
    close: () => handle.close(),
  }
}

/** Where the last `count` lines begin. An unfinished line at the end does not count. */
async function tailPosition(handle: FileHandle, count: number): Promise<number> {
  const { size } = await handle.stat()
  if (count <= 0) return size
  let found = 0
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockSize)
    const block = Buffer.allocUnsafe(end - start)
    await handle.read(block, 0, block.length, start)
    for (let at = block.lastIndexOf(newline); at >= 0; at = at > 0 ? block.lastIndexOf(newline, at - 1) : -1) {
      if (++found > count) return start + at + 1
    }
    end = start
  }
  return 0
}
