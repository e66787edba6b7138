// The file: how it is opened, checked and laid out, and the SQL that reads and writes it. Runs in the worker.
//
// Rows written lazily (`lazy` = 1, for good from then on) may lose their last writes in a crash, so after one they are shown under the
// revision of the restart (`epoch`), which is beyond all that was handed out: nobody sees such a row go back. Those among them that live on
// (Leases) have negative ids: they lie beside each other, and a flush of all of them writes one page.
import Database from 'better-sqlite3'
import { damaged, explain, UnusableDatabaseError } from './unusable.ts'

export const pageSize = 4096
const applicationId = 0x6d6b3873
const schemaVersion = 1

const schema = `
  CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 0), clean INTEGER NOT NULL, revision INTEGER NOT NULL, epoch INTEGER NOT NULL);
  CREATE TABLE rows (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, lazy INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL
  );
  CREATE INDEX rows_expires ON rows (expires) WHERE expires IS NOT NULL;
  INSERT INTO state VALUES (0, 1, 0, 0);
`

export interface StoredRow {
  key: string
  revision: number
  lazy: number
  /** Wall time in milliseconds. */
  expires: number | null
  value: Buffer
}

/** Where the revision stood: exactly when `clean`, else `revision` is the end of the block from which revisions were handed out. */
export interface State {
  clean: number
  revision: number
  epoch: number
}

export function openDatabase(settings: { path: string; nativeBinding: string | undefined; sizeLimitBytes: number | undefined }): Database.Database {
  const { path, nativeBinding, sizeLimitBytes } = settings
  try {
    const db = new Database(path, { timeout: 2000, ...(nativeBinding && { nativeBinding }) })
    // Exclusive: no other process gets in, and no shared-memory file is needed.
    db.pragma('locking_mode = EXCLUSIVE')
    checkOwner(db, path)
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('wal_autocheckpoint = 0')
    db.pragma(`journal_size_limit = ${1000 * pageSize}`)
    db.pragma('cache_size = -2000')
    db.pragma('temp_store = MEMORY')
    if (sizeLimitBytes) db.pragma(`max_page_count = ${Math.ceil(sizeLimitBytes / pageSize)}`)
    if (db.pragma('user_version', { simple: true }) === 0) createSchema(db)
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw damaged(path, String(verdict))
    return db
  } catch (error) {
    throw explain(error, path)
  }
}

function checkOwner(db: Database.Database, path: string): void {
  const owner = db.pragma('application_id', { simple: true })
  const version = db.pragma('user_version', { simple: true }) as number
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (owner === 0 && version === 0 && tables === 0) return
  if (owner !== applicationId) throw new UnusableDatabaseError(`${path} is a database of another program: choose another --data-dir, or move it away`)
  if (version > schemaVersion) throw new UnusableDatabaseError(`database ${path} was written by a newer mk8s (layout ${version}, this one knows ${schemaVersion}): use that version`)
}

function createSchema(db: Database.Database): void {
  db.transaction(() => {
    db.exec(schema)
    db.pragma(`application_id = ${applicationId}`)
    db.pragma(`user_version = ${schemaVersion}`)
  })()
}

const columns = `key, CASE WHEN lazy AND revision < @epoch THEN @epoch ELSE revision END AS revision, lazy, expires, value`
/** The least string that is beyond every one that begins with `prefix`. */
const endOf = (prefix: string) => prefix + '\u{10ffff}\u{10ffff}'

/** The statements, prepared once. */
export class Rows {
  readonly #db: Database.Database
  readonly #get: Database.Statement
  readonly #list: Database.Statement
  readonly #insert: Database.Statement
  readonly #update: Database.Statement
  readonly #makeLazy: Database.Statement
  readonly #remove: Database.Statement
  readonly #expired: Database.Statement
  readonly #setState: Database.Statement
  readonly #count: Record<'nextExpiry' | 'timeToLiveBytes' | 'freePages' | 'pages', Database.Statement>
  readonly #walPages: Database.Statement
  readonly #totalChanges: Database.Statement
  epoch = 0

  constructor(db: Database.Database) {
    const number = (sql: string) => db.prepare(sql).pluck()
    this.#db = db
    this.#get = db.prepare(`SELECT ${columns} FROM rows WHERE key = @key`)
    this.#list = db.prepare(`SELECT ${columns} FROM rows WHERE key >= @prefix AND key < @end ORDER BY key`)
    this.#insert = db.prepare('INSERT INTO rows (key, revision, lazy, expires, value) VALUES (@key, @revision, @lazy, @expires, @value)')
    this.#update = db.prepare('UPDATE rows SET revision = @revision, lazy = @lazy, expires = @expires, value = @value WHERE key = @key')
    this.#makeLazy = db.prepare('UPDATE rows SET id = (SELECT min(0, min(id)) - 1 FROM rows) WHERE key = ? AND id > 0')
    this.#remove = db.prepare('DELETE FROM rows WHERE key = ?')
    this.#expired = db.prepare(`SELECT ${columns} FROM rows WHERE expires <= @until ORDER BY expires LIMIT @limit`)
    this.#setState = db.prepare('UPDATE state SET clean = @clean, revision = @revision, epoch = @epoch')
    this.#count = {
      nextExpiry: number('SELECT min(expires) FROM rows WHERE expires IS NOT NULL'),
      timeToLiveBytes: number('SELECT coalesce(sum(length(value)), 0) FROM rows WHERE expires IS NOT NULL'),
      freePages: number('PRAGMA freelist_count'),
      pages: number('PRAGMA page_count'),
    }
    this.#totalChanges = number('SELECT total_changes()')
    this.#walPages = db.prepare('PRAGMA wal_checkpoint(NOOP)')
  }

  get(key: string): StoredRow | undefined {
    return this.#get.get({ key, epoch: this.epoch }) as StoredRow | undefined
  }

  list(prefix: string): IterableIterator<StoredRow> {
    return this.#list.iterate({ prefix, end: endOf(prefix), epoch: this.epoch }) as IterableIterator<StoredRow>
  }

  /** Writes `row` over the one that has its key, or as a new one. */
  put(row: StoredRow, before: StoredRow | undefined): void {
    if (!before) this.#insert.run(row)
    else this.#update.run(row)
    if (row.lazy && row.expires === null && !before?.lazy) this.#makeLazy.run(row.key)
  }

  remove(key: string): void {
    this.#remove.run(key)
  }

  expired(until: number, limit: number): StoredRow[] {
    return this.#expired.all({ until, limit, epoch: this.epoch }) as StoredRow[]
  }

  state(): State {
    return this.#db.prepare('SELECT clean, revision, epoch FROM state').get() as State
  }

  setState(state: State): void {
    this.#setState.run(state)
  }

  /** Writes a page that says what it said. */
  touch(): void {
    this.#db.pragma(`user_version = ${schemaVersion}`)
  }

  number(what: 'nextExpiry' | 'timeToLiveBytes' | 'freePages' | 'pages'): number | null {
    return this.#count[what].get() as number | null
  }

  /** Rows written since the database was opened. */
  totalChanges(): number {
    return this.#totalChanges.get() as number
  }

  walPages(): number {
    return (this.#walPages.get() as { log: number }).log
  }
}
