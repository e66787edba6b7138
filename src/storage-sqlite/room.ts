// Room to work on a full disk: a file of real blocks beside the database, given up when SQLite finds no room. What it frees is made the
// database's own at once, before another program takes it: the log gets its full length and the database free pages. So while the disk is
// short of room deletions always go on, changes (status) do as long as the free pages last, and no row is created. The file is made anew
// when there is room for two.
import { appendFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type Database from 'better-sqlite3'
import { pageSize, sumOfRow } from './layout.ts'
import { isFull } from './unusable.ts'

/** A log of this length is moved into the database; on a disk short of room it has it from the beginning. */
export const walPagesLimit = 1000
const claimedBytes = 3 << 20
/** For an instant the claimed pages are a row's. */
const claimKey = '\0claimed'
const unlimited = 4294967294
const stepBytes = 256 << 10
const millisecondsBetweenLooks = 1000

interface Place {
  path: string
  /** 0: no such file. */
  reserveBytes: number
}

const reserveOf = (path: string) => `${path}-reserve`
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Does `work`, a second time without the reserve when there was no room for it. */
export function withRoom<T>({ path }: Place, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isFull(error) || sizeOf(reserveOf(path)) === 0) throw error
    rmSync(reserveOf(path))
    return work()
  }
}

export class Room {
  readonly #db: Database.Database
  readonly #place: Place
  #isWhole: boolean
  #lookedAt = -Infinity
  isShort = false

  constructor(db: Database.Database, place: Place) {
    this.#db = db
    this.#place = place
    this.#isWhole = sizeOf(reserveOf(place.path)) >= place.reserveBytes
    // If the last process ended in the middle of it.
    unlessFull(() => this.#releaseClaim())
    const isNew = db.prepare('SELECT 1 FROM rows LIMIT 1').get() === undefined
    if (!this.#isWhole && !isNew && !this.#hasRoom()) this.makeDo()
  }

  /** Why a write is refused. */
  get reason(): string {
    return `no room on the disk of the database: only changes and deletions are accepted until ${(this.#place.reserveBytes * 2) >> 20} MB are free`
  }

  /** For the beginning of each group: whether there is room again is looked at when somebody wants it. */
  look(): void {
    if (!this.isShort || performance.now() < this.#lookedAt + millisecondsBetweenLooks) return
    this.#lookedAt = performance.now()
    if (!this.#hasRoom()) return
    this.isShort = false
    this.#db.pragma(`max_page_count = ${unlimited}`)
  }

  /** Gives the reserve up for what must go on. */
  makeDo(): void {
    const isFirst = !this.isShort && this.#place.reserveBytes > 0
    this.isShort = true
    if (isFirst) {
      this.#isWhole = false
      rmSync(reserveOf(this.#place.path), { force: true })
      this.#db.pragma(`journal_size_limit = ${walPagesLimit * pageSize}`)
      unlessFull(() => lengthenLog(this.#place.path, walPagesLimit))
    }
    unlessFull(() => this.#emptyLog())
    if (!isFirst) return
    unlessFull(() => this.#claimPages())
    this.#db.pragma(`max_page_count = ${this.#db.pragma('page_count', { simple: true }) as number}`)
  }

  /** Adds to the reserve, if there is room. @returns whether more is to be added. */
  grow(): boolean {
    if (this.#isWhole || this.isShort || !this.#hasRoom()) return false
    const file = reserveOf(this.#place.path)
    const missing = this.#place.reserveBytes - sizeOf(file)
    unlessFull(() => appendFileSync(file, noise(Math.min(stepBytes, missing)), { mode: 0o600 }))
    this.#isWhole = sizeOf(file) >= this.#place.reserveBytes
    return !this.#isWhole
  }

  #emptyLog(): void {
    this.#db.pragma('wal_checkpoint(RESTART)')
  }

  /** They have blocks of the disk when they have been written to the database itself. */
  #claimPages(): void {
    const row = { key: claimKey, revision: 0, lazy: 0, expires: null, value: Buffer.alloc(claimedBytes) }
    this.#db.prepare('INSERT INTO rows (key, revision, lazy, expires, value, sum) VALUES (@key, @revision, @lazy, @expires, @value, @sum)').run({ ...row, sum: sumOfRow(row) })
    try {
      this.#emptyLog()
    } finally {
      this.#releaseClaim()
    }
  }

  #releaseClaim(): void {
    this.#db.prepare('DELETE FROM rows WHERE key = ?').run(claimKey)
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#place.path))
    return bavail * bsize >= this.#place.reserveBytes * 2
  }
}

/** A file system that compresses would make nothing of zeros. */
const noise = (bytes: number) => new Uint8Array(Float64Array.from({ length: Math.ceil(bytes / 8) }, Math.random).buffer, 0, bytes)

/** With zeros, which are no frames: nothing in them could be taken for a commit that was not synced. */
export function lengthenLog(path: string, pages: number): void {
  const log = `${path}-wal`
  const missing = pages * pageSize - sizeOf(log)
  if (missing > 0) appendFileSync(log, Buffer.alloc(missing))
}

/** A full disk is no reason to give up: the next time finds out whether there is room again. */
export function unlessFull(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!isFull(error)) throw error
  }
}
