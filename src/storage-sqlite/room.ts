// Room to work on a full disk: a file of real blocks beside the database, given up when SQLite finds no room. What it frees is for the work
// that makes room: while the disk is short of it no row is created, the database may grow by a little only (changes, status), and its log
// is made long enough at once that deletions never need a block of the disk again. The file is made anew when there is room for two.
import { randomFillSync } from 'node:crypto'
import { appendFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type Database from 'better-sqlite3'
import { pageSize } from './layout.ts'
import { isFull } from './unusable.ts'

/** A log of this length is moved into the database; on a disk short of room it has it from the beginning. */
export const walPagesLimit = 1000
const growthWhenShort = 1024
const unlimited = 4294967294
const stepBytes = 1 << 20
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
    if (!this.isShort) {
      const pages = this.#db.pragma('page_count', { simple: true }) as number
      this.#db.pragma(`max_page_count = ${pages + growthWhenShort}`)
    }
    this.isShort = true
    this.#isWhole = this.#place.reserveBytes === 0
    rmSync(reserveOf(this.#place.path), { force: true })
    if (this.#place.reserveBytes > 0) unlessFull(() => lengthenLog(this.#place.path, walPagesLimit))
    unlessFull(() => this.#db.pragma('wal_checkpoint(RESTART)'))
  }

  /** Adds to the reserve, if there is room. @returns whether more is to be added. */
  grow(): boolean {
    if (this.#isWhole || this.isShort || !this.#hasRoom()) return false
    const file = reserveOf(this.#place.path)
    const missing = this.#place.reserveBytes - sizeOf(file)
    // Noise: a file system that compresses would make nothing of zeros.
    unlessFull(() => appendFileSync(file, randomFillSync(Buffer.alloc(Math.min(stepBytes, missing))), { mode: 0o600 }))
    this.#isWhole = sizeOf(file) >= this.#place.reserveBytes
    return !this.#isWhole
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#place.path))
    return bavail * bsize >= this.#place.reserveBytes * 2
  }
}

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
