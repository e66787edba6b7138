// Makes a back-up: a consistent copy of the database and what lies beside it, listed in a manifest, as one archive.
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, createReadStream, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText } from '../base/read-file.ts'
import { syncDirectory } from '../base/sync-directory.ts'
import { packArchive, writeAll } from './archive.ts'
import { BackupError } from './backup-error.ts'
import { type FileFacts, type Manifest, manifestName, renderManifest } from './manifest.ts'
import { databaseName, type Places, plainFiles } from './places.ts'
import { seal } from './sealed.ts'
import { openWorkDirectory } from './work-directory.ts'

export interface BackupSource {
  places: Places
  /** Copies the database to a path below the data directory's `server/db`. */
  copyDatabase(path: string): Promise<{ revision: number }>
  about: Omit<Manifest, 'files' | 'revision'>
}

/** Where the archive goes: called with its bytes in order. */
export type Sink = (archive: AsyncIterable<Buffer>) => Promise<void>

export async function createBackup(source: BackupSource, options: { passphrase?: string; sink: Sink }): Promise<Manifest> {
  // inside the data directory, whose rights hold: a plain copy of all secrets never lies beside FILE
  const work = openWorkDirectory(join(source.places.data, 'server/db'), 'backup')
  try {
    const { revision } = await source.copyDatabase(join(work.path, databaseName))
    chmodSync(join(work.path, databaseName), 0o600)
    const files: Record<string, FileFacts> = { [databaseName]: await factsOf(join(work.path, databaseName)) }
    for (const [name, path] of plainFiles(source.places)) {
      const text = readText(path)
      if (text === undefined) continue
      const target = join(work.path, name)
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
      writeFileSync(target, text, { mode: statSync(path).mode & 0o777 })
      files[name] = await factsOf(target)
    }
    const manifest: Manifest = { ...source.about, revision, files }
    writeFileSync(join(work.path, manifestName), renderManifest(manifest), { mode: 0o600 })
    const listed = [manifestName, ...Object.keys(files)].map((name) => ({ name, ...sizeAndMode(join(work.path, name)) }))
    const { passphrase, sink } = options
    await packArchive(work.path, listed, { finish: (archive) => (passphrase === undefined ? archive : seal(archive, passphrase)), sink })
    return manifest
  } finally {
    work.remove()
  }
}

async function factsOf(path: string): Promise<FileFacts> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return { ...sizeAndMode(path), sha256: hash.digest('hex') }
}

function sizeAndMode(path: string): { bytes: number; mode: number } {
  const { size, mode } = statSync(path)
  return { bytes: size, mode: mode & 0o777 }
}

/** A file that appears when it is whole and on the disk, or not at all; only its owner may read it. */
export const toFile = (path: string): Sink => async (archive) => {
  const temporary = `${path}.${process.pid}.tmp`
  let file: number | undefined
  try {
    file = openSync(temporary, 'wx', 0o600)
    for await (const piece of archive) writeAll(file, piece)
    fsyncSync(file)
    closeSync(file)
    file = undefined
    renameSync(temporary, path)
    syncDirectory(dirname(path))
  } catch (error) {
    if (file !== undefined) closeSync(file)
    rmSync(temporary, { force: true })
    throw new BackupError(`the back-up cannot be written to ${path}: ${(error as Error).message}`)
  }
}

/** Says the same as long as nothing that a back-up holds has changed. @param mark of the database */
export function fingerprint(places: Places, mark: string): string {
  const hash = createHash('sha256').update(mark)
  for (const [name, path] of plainFiles(places)) hash.update(`\0${name}\0`).update(readText(path) === undefined ? '' : readFileSync(path))
  return hash.digest('hex').slice(0, 12)
}
