// Plain files in the ustar form (POSIX.1-1988), with short names: all that a back-up needs, and what every tar unpacks.
import { BackupError } from './backup-error.ts'
import type { ByteReader } from './byte-reader.ts'

const blockBytes = 512
const pieceBytes = 64 * 1024

export interface TarEntry {
  name: string
  mode: number
  bytes: number
}

const padding = (bytes: number) => (blockBytes - (bytes % blockBytes)) % blockBytes

export async function* writeTar(files: AsyncIterable<TarEntry & { content: AsyncIterable<Buffer> }>): AsyncGenerator<Buffer, void, void> {
  for await (const { content, ...entry } of files) {
    yield header(entry)
    yield* content
    yield Buffer.alloc(padding(entry.bytes))
  }
  yield Buffer.alloc(2 * blockBytes)
}

function header({ name, mode, bytes }: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, digits: number, at: number) => block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
  block.write(name, 0, 100, 'latin1')
  octal(mode, 7, 100)
  octal(0, 7, 108)
  octal(0, 7, 116)
  octal(bytes, 11, 124)
  octal(0, 11, 136)
  block.write('0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(checksum(block), 6, 148)
  return block
}

/** The sum of a header's bytes, where those of the checksum itself count as blanks. */
const checksum = (block: Buffer) => block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0)

/** `take` must read the whole content. @throws BackupError when this is no archive of plain files, or not a whole one. */
export async function readTar(reader: ByteReader, take: (entry: TarEntry, content: AsyncIterable<Buffer>) => Promise<void>): Promise<void> {
  for (;;) {
    const block = await reader.read(blockBytes)
    if (block.length < blockBytes) throw new BackupError('the back-up is damaged: it is cut off')
    if (block[0] === 0) break
    const entry = parseHeader(block)
    await take(entry, contentOf(reader, entry))
    await reader.read(padding(entry.bytes))
  }
  // to the very end, where the compression's own checksum is
  while ((await reader.read(pieceBytes)).length > 0);
}

async function* contentOf(reader: ByteReader, { name, bytes }: TarEntry): AsyncGenerator<Buffer, void, void> {
  for (let left = bytes; left > 0; ) {
    const piece = await reader.read(Math.min(left, pieceBytes))
    if (piece.length === 0) throw new BackupError(`the back-up is damaged: it is cut off in ${name}`)
    left -= piece.length
    yield piece
  }
}

function parseHeader(block: Buffer): TarEntry {
  const text = (from: number, to: number) => block.toString('latin1', from, to).replace(/\0.*/s, '').trim()
  const number = (from: number, to: number) => (/^[0-7]+$/.test(text(from, to)) ? parseInt(text(from, to), 8) : NaN)
  if (number(148, 156) !== checksum(block)) throw new BackupError('this is no back-up made by mk8s, or it is damaged')
  const entry = { name: text(0, 100), mode: number(100, 108) & 0o777, bytes: number(124, 136) }
  if (!/^0?$/.test(text(156, 157)) || text(345, 500) !== '' || !Number.isSafeInteger(entry.bytes)) throw new BackupError(`this is no back-up made by mk8s: ${JSON.stringify(entry.name)} is no plain file`)
  return entry
}
