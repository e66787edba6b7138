// What lies in the file, and how a file comes to be: under another name, whole and synced, and then renamed, so that a database that has its
// name has its tables. Rows and the state carry a checksum: SQLite's own check sees no flipped bit inside a value.
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import Database from 'better-sqlite3'
import { syncDirectory } from '../base/sync-directory.ts'

export const pageSize = 4096
export const applicationId = 0x6d6b3873
export const layoutVersion = 2

const tables = [
  'CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 0), clean INTEGER NOT NULL, revision INTEGER NOT NULL, epoch INTEGER NOT NULL, sum INTEGER NOT NULL)',
  'CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, lazy INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL, sum INTEGER NOT NULL)',
  'CREATE INDEX rows_expires ON rows (expires) WHERE expires IS NOT NULL',
]

export interface StoredRow {
  key: string
  revision: number
  lazy: number
  /** In milliseconds: wall time at the start of the process that wrote it, and on from there by the monotonic clock. */
  expires: number | null
  value: Buffer
}

/** Of a state. `logged` stands in the database itself alone, never in the log: there is a log, without which the database is not whole. */
export const phases = { running: 0, stopped: 1, logged: 2 } as const

/** Where the revision stood: exactly after a stop, else `revision` is the end of the block from which revisions were handed out. */
export interface State {
  /** One of `phases`. */
  clean: number
  revision: number
  epoch: number
}

export const sumOfRow = ({ key, revision, lazy, expires, value }: StoredRow): number => crc32(value, crc32(`${key}\0${revision} ${lazy} ${expires}`))
export const sumOfState = ({ clean, revision, epoch }: State): number => crc32(`${clean} ${revision} ${epoch}`)

/** Whether the tables are as this version makes them. */
export const hasLayout = (db: Database.Database): boolean =>
  db.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid').pluck().all().join(';') === tables.join(';')

/** So that `row_sum` and `state_sum` can be used in SQL. */
export function defineSums(db: Database.Database): void {
  db.function('row_sum', { deterministic: true }, (key: string, revision: number, lazy: number, expires: number | null, value: Buffer) => sumOfRow({ key, revision, lazy, expires, value }))
  db.function('state_sum', { deterministic: true }, (clean: number, revision: number, epoch: number) => sumOfState({ clean, revision, epoch }))
}

interface Place {
  path: string
  nativeBinding: string | undefined
}

/** Makes an empty database, or one with the content of another in an older layout, and puts it in its place. */
export function createDatabase({ path, nativeBinding }: Place, content: { from?: string } = {}): void {
  const young = `${path}-new`
  for (const suffix of ['', '-wal']) rmSync(young + suffix, { force: true })
  const db = new Database(young, nativeBinding ? { nativeBinding } : {})
  try {
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = MEMORY')
    defineSums(db)
    if (content.from) db.prepare('ATTACH ? AS older').run(content.from)
    db.transaction(() => {
      for (const table of tables) db.exec(table)
      db.exec(content.from ? copyOfOlder : `INSERT INTO state VALUES (0, ${phases.stopped}, 0, 0, state_sum(${phases.stopped}, 0, 0))`)
      db.pragma(`application_id = ${applicationId}`)
      db.pragma(`user_version = ${layoutVersion}`)
    })()
    if (content.from) db.exec('DETACH older')
    db.pragma('journal_mode = WAL')
  } finally {
    db.close()
  }
  syncFile(young)
  renameSync(young, path)
  syncDirectory(dirname(path))
}

const copyOfOlder = `
  INSERT INTO state SELECT only, clean, revision, epoch, state_sum(clean, revision, epoch) FROM older.state;
  INSERT INTO rows SELECT id, key, revision, lazy, expires, value, row_sum(key, revision, lazy, expires, value) FROM older.rows;
`

function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
}
