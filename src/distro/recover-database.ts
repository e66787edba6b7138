// What is done about a damaged database: the last good copy is named, or taken when the administrator said so beforehand.
import { createReadStream } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Options } from '../config/options.ts'
import { DamagedDatabaseError } from '../storage-sqlite/unusable.ts'
import { nodeNameFile } from './node-name.ts'
import type { Paths } from './paths.ts'

interface RecoverOptions {
  options: Pick<Options, 'dataDir' | 'etcdSnapshotDir' | 'autoRecover'>
  paths: Paths
  clock: Clock
  log: Logger
}

/** Opens the database; after a recovery, once more. */
export async function openOrRecover<T>(open: () => Promise<T>, recovering: RecoverOptions): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof DamagedDatabaseError)) throw error
    await recover(error, recovering)
    return open()
  }
}

async function recover(damage: DamagedDatabaseError, { options, paths, clock, log }: RecoverOptions): Promise<void> {
  const [{ newestGoodCopy }, { copiesDirectory, restoreDatabase }] = await Promise.all([import('../backup/newest-good-copy.ts'), import('./state-archives.ts')])
  const directory = copiesDirectory(options)
  const copy = await newestGoodCopy(directory, dirname(paths.database))
  const beginAnew = `to begin with an empty cluster, move ${paths.database}* and ${nodeNameFile(paths.data)} away`
  if (!copy) throw new Error(`${damage.message}; there is no good copy in ${directory}; ${beginAnew}`)
  const age = ageOf(clock.now() - copy.time)
  if (!options.autoRecover) throw new Error(`${damage.message}; the last good copy is ${copy.path}, made ${age}; ${beginAnew}`)
  log.error('the database is damaged or gone', { reason: damage.message })
  const restored = await restoreDatabase(paths, createReadStream(copy.path))
  log.warn('the last good copy has taken its place; what was changed since then is lost', { copy: copy.path, made: age, damaged: restored.aside, revision: restored.revision })
}

/** As in `3 hours ago`. */
export function ageOf(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000))
  const [number, unit] = minutes < 120 ? [minutes, 'minute'] : minutes < 48 * 60 ? [Math.round(minutes / 60), 'hour'] : [Math.round(minutes / 1440), 'day']
  return `${number} ${unit}${number === 1 ? '' : 's'} ago`
}
