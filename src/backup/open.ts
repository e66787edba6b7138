// Reads a back-up into a directory, and judges it. Nothing outside that directory changes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unpackArchive } from './archive.ts'
import { BackupError } from './backup-error.ts'
import { ByteReader } from './byte-reader.ts'
import { checkFiles, type Manifest, manifestName, parseManifest } from './manifest.ts'
import { databaseName } from './places.ts'
import { isSealed, unseal } from './sealed.ts'

const readBytes = 64 * 1024
const gzipMagic = Buffer.from([0x1f, 0x8b])

interface OpenOptions {
  source: AsyncIterable<Uint8Array>
  /** Asked only for an encrypted one. */
  passphrase(): Promise<string>
  directory: string
}

/** @throws BackupError when it is not one whole, unchanged back-up. */
export async function openBackup({ source, passphrase, directory }: OpenOptions): Promise<Manifest> {
  const reader = new ByteReader(source)
  const sealed = await isSealed(reader)
  if (!sealed && !(await reader.peek(2)).equals(gzipMagic)) throw new BackupError('this is no back-up made by mk8s')
  const unpacked = await unpackArchive(sealed ? unseal(reader, await passphrase()) : reader.pieces(readBytes), directory)
  if (!unpacked.delete(manifestName)) throw new BackupError('this is no back-up made by mk8s: it has no manifest')
  const manifest = parseManifest(readFileSync(join(directory, manifestName), 'utf8'))
  checkFiles(manifest, unpacked)
  if (!unpacked.has(databaseName)) throw new BackupError('the back-up is damaged: it has no database')
  return manifest
}
