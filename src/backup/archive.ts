// Directories as gzipped tar archives, so that a person without mk8s can look into a back-up that is not encrypted. Both ways stream.
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, createReadStream, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { BackupError } from './backup-error.ts'
import { ByteReader } from './byte-reader.ts'
import type { FileFacts } from './manifest.ts'
import { readTar, type TarEntry, writeTar } from './tar.ts'

type Bytes = AsyncIterable<Buffer>

/** The files of a directory, in the order given, through `finish` (which encrypts, or does nothing) into `sink`. */
export async function packArchive(directory: string, files: readonly TarEntry[], through: { finish(archive: Bytes): Bytes; sink(archive: Bytes): Promise<void> }): Promise<void> {
  const entries = async function* () {
    for (const file of files) yield { ...file, content: createReadStream(join(directory, file.name)) as Bytes }
  }
  await pipeline(() => writeTar(entries()), createGzip(), (zipped: Bytes) => through.finish(zipped), (archive: Bytes) => through.sink(archive))
}

/** Names that mk8s puts into an archive; nothing else is ever written to disk. */
const knownName = /^(manifest\.json|state\.db|token|node-name|tls\/[A-Za-z0-9][\w.-]*|config\/(config|registries)\.yaml)$/

/** Writes the files of an archive into a directory, each synced. @returns what was written. @throws BackupError when this is not one whole archive. */
export async function unpackArchive(archive: Bytes, directory: string): Promise<Map<string, FileFacts>> {
  const written = new Map<string, FileFacts>()
  const unpack = (plain: Bytes) => readTar(new ByteReader(plain), async (entry, content) => {
    if (!knownName.test(entry.name) || written.has(entry.name)) throw new BackupError(`this is no back-up made by mk8s: it contains ${JSON.stringify(entry.name)}`)
    written.set(entry.name, await writeFile(join(directory, entry.name), { mode: entry.mode, content }))
  })
  await pipeline(archive, createGunzip(), unpack).catch((error: unknown) => {
    throw explained(error)
  })
  return written
}

async function writeFile(path: string, { mode, content }: { mode: number; content: Bytes }): Promise<FileFacts> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const piece of content) {
      hash.update(piece)
      bytes += piece.length
      writeAll(file, piece)
    }
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  chmodSync(path, mode)
  return { bytes, sha256: hash.digest('hex'), mode }
}

/** A disk that fills up takes a part first. */
export function writeAll(file: number, piece: Buffer): void {
  for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done)
}

/** What the decompression says, in words. What is wrong with the disk stays as it is. */
function explained(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (code === 'Z_BUF_ERROR') return new BackupError('the back-up is damaged: it is cut off')
  if (code === 'Z_DATA_ERROR') return new BackupError(`this is no back-up made by mk8s, or it is damaged (${(error as Error).message})`)
  return error
}
