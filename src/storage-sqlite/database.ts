// How the file is opened: checked first, then in exclusive use, with a write-ahead log that is synced with each commit. Runs in the worker.
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { checkDatabase } from './check.ts'
import { createDatabase, layoutVersion, pageSize } from './layout.ts'
import { explain, gone } from './unusable.ts'

interface Settings {
  path: string
  nativeBinding: string | undefined
  /** False where there was one: an empty one in its place would pass for the cluster. */
  mayCreate: boolean
}

/** @throws UnusableDatabaseError */
export function openDatabase(settings: Settings): Database.Database {
  try {
    if (!existsSync(settings.path) && !existsSync(`${settings.path}-wal`)) {
      if (!settings.mayCreate) throw gone(settings.path)
      createDatabase(settings)
    }
    const layout = checkDatabase(settings)
    if (layout < layoutVersion) bringUp(settings)
    return openExclusively(settings)
  } catch (error) {
    throw explain(error, settings.path)
  }
}

function openExclusively({ path, nativeBinding }: Settings): Database.Database {
  const db = new Database(path, { timeout: 2000, ...(nativeBinding && { nativeBinding }) })
  // Exclusive: no other process gets in, and no shared-memory file is needed.
  db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('wal_autocheckpoint = 0')
  db.pragma(`journal_size_limit = ${1000 * pageSize}`)
  db.pragma('cache_size = -2000')
  db.pragma('temp_store = MEMORY')
  return db
}

/** A new file takes the place of one in an older layout, when that has no log any more. */
function bringUp(settings: Settings): void {
  openExclusively(settings).close()
  createDatabase(settings, { from: settings.path })
}
