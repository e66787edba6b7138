// Looks at a database before it is used, without changing a byte of it. Closing a connection moves the log into the database, also into a
// damaged one; so the look is through further names of both files that are gone before the connection is: SQLite leaves a database alone
// that has lost its name.
import { existsSync, linkSync, rmSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { applicationId, defineSums, hasLayout, layoutVersion, phases } from './layout.ts'
import { codeOf, damaged, UnusableDatabaseError } from './unusable.ts'
import { damageOfLog, isLogThere } from './write-ahead-log.ts'

/** @returns the layout of the database. @throws UnusableDatabaseError */
export function checkDatabase({ path, nativeBinding }: { path: string; nativeBinding: string | undefined }): number {
  if (!existsSync(path)) throw damaged(path, 'the file is gone, its write-ahead log is there')
  if (statSync(path).size === 0) throw damaged(path, 'the file is empty')
  // Beside it, not in a directory of their own: names cost no block on a full disk.
  const look = `${path}-check`
  const forget = () => [look, `${look}-wal`].forEach((name) => rmSync(name, { recursive: true, force: true }))
  forget()
  let db: Database.Database | undefined
  try {
    linkSync(path, look)
    if (existsSync(`${path}-wal`)) linkSync(`${path}-wal`, `${look}-wal`)
    db = new Database(look, { timeout: 2000, ...(nativeBinding && { nativeBinding }) })
    // Takes the lock with the first statement: another process does not write while we look.
    db.pragma('locking_mode = EXCLUSIVE')
    const layout = checkOwner(db, path)
    const why = damageOfLog(`${path}-wal`) ?? damageOf(db, layout) ?? (isLogThere(`${path}-wal`) ? undefined : lossOfLog(db))
    if (why) throw damaged(path, why)
    return layout
  } finally {
    forget()
    db?.close()
  }
}

function checkOwner(db: Database.Database, path: string): number {
  const owner = db.pragma('application_id', { simple: true })
  const layout = db.pragma('user_version', { simple: true }) as number
  const isOurs = owner === applicationId || hasOurTables(db)
  if (!isOurs) throw new UnusableDatabaseError(`${path} is a database of another program: choose another --data-dir, or move it away`)
  if (owner !== applicationId || layout === 0) throw damaged(path, 'its first page is not what was written')
  if (layout > layoutVersion) throw new UnusableDatabaseError(`database ${path} was written by a newer mk8s (layout ${layout}, this one knows ${layoutVersion}): use that version`)
  return layout
}

/** For a database without a log. */
const lossOfLog = (db: Database.Database): string | undefined =>
  db.prepare('SELECT clean FROM state').pluck().get() === phases.logged ? 'its write-ahead log is gone' : undefined

const hasOurTables = (db: Database.Database): boolean =>
  db.prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('state', 'rows')").pluck().get() === 2

function damageOf(db: Database.Database, layout: number): string | undefined {
  const verdict = String(db.pragma('integrity_check(1)', { simple: true }))
  if (verdict !== 'ok') return verdict.replaceAll('\n', ' ')
  if (layout < layoutVersion) return undefined
  if (!hasLayout(db)) return 'its tables are not what was written'
  defineSums(db)
  const one = (sql: string) => db.prepare(sql).pluck().get() as string | undefined
  try {
    const key = one('SELECT key FROM rows WHERE sum IS NOT row_sum(key, revision, lazy, expires, value) LIMIT 1')
    if (key !== undefined) return `what is stored under ${JSON.stringify(key)} is not what was written`
    return one('SELECT 1 FROM state WHERE sum = state_sum(clean, revision, epoch)') ? undefined : 'its state is not what was written'
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_')) throw error
    return 'a row is not what was written'
  }
}
