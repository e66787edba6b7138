// From an archive to a data directory that a server can be started on. Until the whole archive has been checked nothing is changed.
import { randomInt } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { syncDirectory } from '../base/sync-directory.ts'
import { BackupError } from './backup-error.ts'
import type { Manifest } from './manifest.ts'
import { openBackup } from './open.ts'
import { databaseCompanions, databaseName, parts, type Places } from './places.ts'
import { commitSwap, finishSwap, type Swap } from './swap.ts'
import { openWorkDirectory } from './work-directory.ts'

export interface RestoreOptions {
  places: Places
  source: AsyncIterable<Uint8Array>
  /** Asked only for an encrypted back-up. */
  passphrase(): Promise<string>
  /** Opens a database, lets its revisions go on `skip` further, and closes it. @returns where they stand then. */
  advanceDatabase(path: string, skip: number): Promise<number>
  /** Revision of the database that is replaced; undefined when there is none that can be read. @throws Error when it must not be replaced now */
  presentRevision(): Promise<number | undefined>
  /** Takes the database from the archive, and nothing else. */
  databaseOnly?: boolean
  /** Directory for what was there before, below the data directory; where there is one already, a number is added. */
  aside: string
}

export interface Restored {
  manifest: Manifest
  /** From where the restored server goes on. */
  revision: number
  /** Absolute; undefined when nothing was there before. */
  aside: string | undefined
  /** Configuration files that were written. */
  written: readonly string[]
}

export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { data } = options.places
  finishSwap(data)
  const work = openWorkDirectory(data, 'restore')
  const { swap, ...restored } = await prepare({ ...options, aside: unusedName(data, options.aside) }, work.path).catch((error: NodeJS.ErrnoException) => {
    work.remove()
    throw error.code === 'ENOSPC' ? new BackupError(`no room to unpack the back-up in ${data}: free some disk space; nothing was changed`) : error
  })
  commitSwap(data, swap)
  finishSwap(data)
  if (!restored.aside) rmSync(join(data, swap.aside), { recursive: true, force: true })
  return restored
}

async function prepare(options: RestoreOptions, directory: string): Promise<Restored & { swap: Swap }> {
  const { places, aside, databaseOnly } = options
  const manifest = await openBackup({ source: options.source, passphrase: () => options.passphrase(), directory })
  const present = await options.presentRevision()
  const revision = await options.advanceDatabase(join(directory, databaseName), stepBeyond(manifest.revision, present))
  if (databaseOnly) for (const name of ['tls', 'token', 'node-name', 'config']) rmSync(join(directory, name), { recursive: true, force: true })
  const configuration = databaseOnly ? [] : Object.entries(places.configuration).filter(([name]) => Object.hasOwn(manifest.files, name))
  for (const path of [join(directory, 'tls'), join(directory, 'config'), directory, places.data]) if (existsSync(path)) syncDirectory(path)
  const staged = Object.entries(parts).filter(([part]) => existsSync(join(directory, part))).map(([, path]) => path)
  const replaced = [...[...staged, ...databaseCompanions].map((path) => join(places.data, path)), ...configuration.map(([, path]) => path)].some((path) => existsSync(path))
  for (const [name, path] of configuration) keepCopy(path, join(places.data, aside, name))
  return {
    manifest, revision, aside: replaced ? join(places.data, aside) : undefined, written: configuration.map(([, path]) => path),
    swap: { staged: basename(directory), aside, writes: configuration.map(([name, path]) => ({ from: name, to: path, mode: manifest.files[name]!.mode })) },
  }
}

/** Two restorations within a second must not share a directory, nor two on a box whose clock begins anew at each start. */
function unusedName(data: string, wanted: string): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted}-${i}`
    if (!existsSync(join(data, name))) return name
  }
}

/**
 * Beyond all revisions that can have been handed out since the back-up was made, by the original or by an earlier restoration of the same archive:
 * a billion, as etcd's users do it, times a random number.
 */
const stepBeyond = (backedUp: number, present: number | undefined): number => Math.max(0, (present ?? 0) - backedUp) + 1e9 * randomInt(1, 1000)

function keepCopy(path: string, copy: string): void {
  if (!existsSync(path)) return
  mkdirSync(dirname(copy), { recursive: true, mode: 0o700 })
  copyFileSync(path, copy)
}

/** As in `20261130T070122Z`. */
export const timeStamp = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, '')
