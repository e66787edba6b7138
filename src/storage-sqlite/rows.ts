// The SQL that reads and writes rows, prepared once. Runs in the worker.
//
// Rows written lazily (`lazy` = 1, for good from then on) may lose their last writes in a crash, so after one they are shown under the
// revision of the restart (`epoch`), which is beyond all that was handed out: nobody sees such a row go back. Those among them that live on
// (Leases) have negative ids: they lie beside each other, and a flush of all of them writes one page.
import type Database from 'better-sqlite3'
import { type State, type StoredRow, sumOfRow, sumOfState } from './layout.ts'

const columns = `key, CASE WHEN lazy AND revision < @epoch THEN @epoch ELSE revision END AS revision, lazy, expires, value`
/** The least string that is beyond every one that begins with `prefix`. */
const endOf = (prefix: string) => prefix + '\u{10ffff}\u{10ffff}'

export class Rows {
  readonly #db: Database.Database
  readonly #get: Database.Statement
  readonly #list: Database.Statement
  readonly #insert: Database.Statement
  readonly #update: Database.Statement
  readonly #makeLazy: Database.Statement
  readonly #remove: Database.Statement
  readonly #expired: Database.Statement
  readonly #misdated: Database.Statement
  readonly #setState: Database.Statement
  readonly #count: Record<'nextExpiry' | 'timeToLiveBytes' | 'freePages' | 'pages', Database.Statement>
  readonly #walPages: Database.Statement
  readonly #durableMark: Database.Statement
  readonly #totalChanges: Database.Statement
  epoch = 0

  constructor(db: Database.Database) {
    const number = (sql: string) => db.prepare(sql).pluck()
    this.#db = db
    this.#get = db.prepare(`SELECT ${columns} FROM rows WHERE key = @key`)
    this.#list = db.prepare(`SELECT ${columns} FROM rows WHERE key >= @prefix AND key < @end ORDER BY key`)
    this.#insert = db.prepare('INSERT INTO rows (key, revision, lazy, expires, value, sum) VALUES (@key, @revision, @lazy, @expires, @value, @sum)')
    this.#update = db.prepare('UPDATE rows SET revision = @revision, lazy = @lazy, expires = @expires, value = @value, sum = @sum WHERE key = @key')
    this.#makeLazy = db.prepare('UPDATE rows SET id = (SELECT min(0, min(id)) - 1 FROM rows) WHERE key = ? AND id > 0')
    this.#remove = db.prepare('DELETE FROM rows WHERE key = ?')
    this.#misdated = db.prepare('SELECT key, revision, lazy, expires, value FROM rows WHERE expires > @farthest OR expires < @earliest')
    this.#expired = db.prepare(`SELECT ${columns} FROM rows WHERE expires <= @until ORDER BY expires LIMIT @limit`)
    this.#setState = db.prepare('UPDATE state SET clean = @clean, revision = @revision, epoch = @epoch, sum = @sum')
    this.#count = {
      nextExpiry: number('SELECT min(expires) FROM rows WHERE expires IS NOT NULL'),
      timeToLiveBytes: number('SELECT coalesce(sum(length(value)), 0) FROM rows WHERE expires IS NOT NULL'),
      freePages: number('PRAGMA freelist_count'),
      pages: number('PRAGMA page_count'),
    }
    this.#totalChanges = number('SELECT total_changes()')
    this.#durableMark = db.prepare(`SELECT count(*) || '-' || coalesce(max(revision), 0) || '-' || coalesce(sum(revision % 4294967291), 0) FROM rows WHERE lazy = 0 AND NOT (key >= @except AND key < @end)`).pluck()
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
    const summed = { ...row, sum: sumOfRow(row) }
    if (!before) this.#insert.run(summed)
    else this.#update.run(summed)
    if (row.lazy && row.expires === null && !before?.lazy) this.#makeLazy.run(row.key)
  }

  remove(key: string): void {
    this.#remove.run(key)
  }

  /** Rows that end outside of these bounds end at `instead`. */
  redate(bounds: { earliest: number; farthest: number; instead: number }): void {
    const { earliest, farthest, instead } = bounds
    for (const row of this.#misdated.all({ earliest, farthest }) as StoredRow[]) this.put({ ...row, expires: instead }, row)
  }

  expired(until: number, limit: number): StoredRow[] {
    return this.#expired.all({ until, limit, epoch: this.epoch }) as StoredRow[]
  }

  state(): State {
    return this.#db.prepare('SELECT clean, revision, epoch FROM state').get() as State
  }

  setState(state: State): void {
    this.#setState.run({ ...state, sum: sumOfState(state) })
  }

  number(what: 'nextExpiry' | 'timeToLiveBytes' | 'freePages' | 'pages'): number | null {
    return this.#count[what].get() as number | null
  }

  /** Rows written since the database was opened. */
  totalChanges(): number {
    return this.#totalChanges.get() as number
  }

  /**
   * Says the same as long as no durable row comes, goes or changes: their number, the greatest of their revisions, and a sum over all.
   * Keys that begin with `except` do not count.
   */
  durableMark(except: string): string {
    return this.#durableMark.get({ except, end: except && endOf(except) }) as string
  }

  walPages(): number {
    return (this.#walPages.get() as { log: number }).log
  }
}
