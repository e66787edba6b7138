// Back-ups of this server's data directory: who copies the database, what belongs to it, who it is. Used by commands, with or without a running server.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BackupSource, createBackup, type Sink } from '../backup/create.ts'
import type { Manifest } from '../backup/manifest.ts'
import type { Places } from '../backup/places.ts'
import { type Restored, restoreBackup, type RestoreOptions, timeStamp } from '../backup/restore.ts'
import { isSwapCommitted } from '../backup/swap.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { version } from '../base/version.ts'
import type { Options } from '../config/options.ts'
import { openSqliteStorage, type SqliteStorage } from '../storage-sqlite/sqlite-storage.ts'
import { DamagedDatabaseError } from '../storage-sqlite/unusable.ts'
import { extractSqliteAddon, startStorageWorker } from './assets.ts'
import { askServer } from './control-socket.ts'
import { asOwner } from './data-directory.ts'
import { finishRestoration } from './finish-restoration.ts'
import { type Paths, pathsOf } from './paths.ts'

type ArchiveOptions = Pick<Options, 'dataDir' | 'config' | 'privateRegistry' | 'etcdSnapshotDir'>

export const placesOf = ({ dataDir, config, privateRegistry }: ArchiveOptions): Places =>
  ({ data: pathsOf(dataDir).data, configuration: { 'config/config.yaml': config!, 'config/registries.yaml': privateRegistry } })

export const copiesDirectory = ({ dataDir, etcdSnapshotDir }: Pick<Options, 'dataDir' | 'etcdSnapshotDir'>): string => etcdSnapshotDir ?? join(pathsOf(dataDir).data, 'server/db/snapshots')

const openDatabase = (paths: Paths, path: string, skipRevisions = 0): Promise<SqliteStorage> =>
  openSqliteStorage({ path, startWorker: startStorageWorker, nativeBinding: extractSqliteAddon(paths.addons), clock: systemClock, log: silentLogger, skipRevisions })

/** A running server copies its database itself; else it is opened here. The copy is checked here. @throws Error in one line */
async function copyDatabase(paths: Paths, to: string): Promise<{ revision: number }> {
  const copy = (await askServer(paths.control, '/copy', { path: to })) ?? (await copyHere(paths, to))
  await advanceDatabase(paths, to, 0).catch((error: Error) => {
    throw error instanceof DamagedDatabaseError ? new Error(`the database is damaged, no copy was made: restart the server to see what can be done (${error.message.split(':')[0]})`) : error
  })
  return copy as { revision: number }
}

async function copyHere(paths: Paths, to: string): Promise<{ revision: number }> {
  const storage = await openDatabase(paths, paths.database)
  return { revision: await storage.copyTo(to).finally(() => storage.close()) }
}

export async function backUp(options: ArchiveOptions, about: { node: Manifest['node']; passphrase: string | undefined; sink: Sink }): Promise<Manifest> {
  const paths = pathsOf(options.dataDir)
  if (!existsSync(paths.database) && !isSwapCommitted(paths.data)) throw new Error(`there is nothing to back up: ${paths.database} does not exist (is --data-dir right?)`)
  await finishRestoration(paths.data)
  const source: BackupSource = {
    places: placesOf(options), copyDatabase: (to) => copyDatabase(paths, to),
    about: { mk8s: version.mk8s, kubernetes: version.kubernetes, created: new Date(systemClock.now()).toISOString(), node: about.node, dataDirectory: paths.data },
  }
  return createBackup(source, about)
}

interface RestoreRequest extends Pick<RestoreOptions, 'source' | 'passphrase'> {
  /** Leave configuration as it is. */
  skipConfiguration: boolean
}

export async function restore(options: ArchiveOptions, request: RestoreRequest): Promise<Restored> {
  const paths = pathsOf(options.dataDir)
  if (await askServer(paths.control, '/ping')) throw new Error(`a server is running on ${paths.data}: stop it first (systemctl stop mk8s)`)
  const places = placesOf(options)
  return asOwner(paths, () => restoreBackup({
    ...request, places: request.skipConfiguration ? { ...places, configuration: {} } : places, aside: asideName('before-restore'),
    advanceDatabase: (path, skip) => advanceDatabase(paths, path, skip), presentRevision: () => presentRevision(paths),
  }))
}

/** The database alone, in place of a damaged one, which is kept. */
export const restoreDatabase = (paths: Paths, source: RestoreOptions['source']): Promise<Restored> => restoreBackup({
  source, places: { data: paths.data, configuration: {} }, databaseOnly: true, aside: asideName('damaged'),
  passphrase: () => Promise.reject(new Error('a local copy is not encrypted')),
  advanceDatabase: (path, skip) => advanceDatabase(paths, path, skip), presentRevision: async () => undefined,
})

const asideName = (why: string) => `server/${why}-${timeStamp(systemClock.now())}`

async function advanceDatabase(paths: Paths, path: string, skip: number): Promise<number> {
  const storage = await openDatabase(paths, path, skip)
  const revision = await storage.currentRevision()
  await storage.close()
  return revision
}

/** Opening it also proves that nobody uses it. */
async function presentRevision(paths: Paths): Promise<number | undefined> {
  if (!existsSync(paths.database)) return undefined
  try {
    return await advanceDatabase(paths, paths.database, 0)
  } catch (error) {
    if (error instanceof DamagedDatabaseError) return undefined
    throw error
  }
}
