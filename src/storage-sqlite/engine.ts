// The writer, in the worker. A group of writes is one transaction and one sync; a write is answered after it.
//
// Lazy writes stay in `#held` (their revisions are real, they are seen at once) and go into the file with the next group or flush.
// Revisions are handed out only below the end of a block that is in the file already, so that a crash cannot make one appear twice.
// Whatever SQLite says about the disk beyond "full" ends the engine: what is durable is then unknown, and a restart finds out.
import type Database from 'better-sqlite3'
import { earliestBelievable } from '../base/wall-time.ts'
import { checkpoint } from './checkpoint.ts'
import { phases, type State, type StoredRow } from './layout.ts'
import type { Outlook, WorkerRow, WriteRequest, WriteResult } from './protocol.ts'
import { type Room, unlessFull } from './room.ts'
import type { Rows } from './rows.ts'
import { codeOf, isFull } from './unusable.ts'

const block = 10_000
const expiredAtOnce = 500
const hour = 3600_000
/** Nothing is given a longer life. */
const farthestExpiry = 24 * hour
/** Held lazy writes beyond this are flushed at once. */
const heldBytesLimit = 1 << 20

interface EngineOptions {
  db: Database.Database
  rows: Rows
  room: Room
  /** Called after each commit that wrote something. */
  afterCommit(): void
  timeToLiveBytes: number
  skipRevisions?: number
}

interface Written {
  results: WriteResult[]
  /** Why some are `full` or `unavailable`. */
  reason: string
}

const nothing = Buffer.alloc(0)
const refused = (outcome: WriteResult['outcome'], row?: StoredRow): WriteResult => ({ outcome, revision: row?.revision ?? 0, value: row?.value ?? nothing })

export class Engine {
  readonly #db: Database.Database
  readonly #rows: Rows
  readonly #options: EngineOptions
  readonly #held = new Map<string, StoredRow>()
  #heldBytes = 0
  #state: State
  #revision: number
  #nextExpiry: number | undefined
  #timeToLiveBytes: number

  constructor(options: EngineOptions) {
    this.#options = options
    this.#db = options.db
    this.#rows = options.rows
    const state = this.#rows.state()
    const { skipRevisions = 0 } = options
    const wasStopped = state.clean === phases.stopped
    this.#revision = (wasStopped ? Math.max(1, state.revision) : state.revision + 1) + skipRevisions
    this.#state = { clean: phases.running, revision: this.#revision + block, epoch: wasStopped && skipRevisions === 0 ? state.epoch : this.#revision }
    const isLogNew = this.#rows.walPages() === 0
    this.#begin()
    if (isLogNew) unlessFull(() => checkpoint(this.#db, 'PASSIVE'))
    this.#rows.epoch = this.#state.epoch
    this.#nextExpiry = this.#rows.number('nextExpiry') ?? undefined
    this.#timeToLiveBytes = this.#rows.number('timeToLiveBytes') ?? 0
  }

  get revision(): number {
    return this.#revision
  }

  get outlook(): Outlook {
    return { unflushed: this.#held.size > 0, nextExpiry: this.#nextExpiry, isShortOfRoom: this.#options.room.isShort }
  }

  get(key: string): StoredRow | undefined {
    return this.#held.get(key) ?? this.#rows.get(key)
  }

  *list(prefix: string): Generator<StoredRow> {
    for (const row of this.#rows.list(prefix)) yield this.#held.get(row.key) ?? row
    for (const row of this.#held.values()) if (row.key.startsWith(prefix) && !this.#rows.get(row.key)) yield row
  }

  write(requests: readonly WriteRequest[], now: number): Written {
    this.#options.room.look()
    const results: WriteResult[] = []
    for (const request of requests) {
      const result = this.#hold(request, now)
      if (!result) break
      results.push(result)
    }
    const rest = requests.slice(results.length)
    if (rest.length === 0 && this.#heldBytes < heldBytesLimit) return { results, reason: this.#options.room.reason }
    const written = this.#commitAll(rest, now)
    return { results: [...results, ...written.results], reason: written.reason }
  }

  /** @returns why it could not be done. */
  flush(): string {
    if (this.#held.size > 0) this.#commitAll([], 0)
    return this.#held.size > 0 ? this.#options.room.reason : ''
  }

  /** Removes what has reached its time, and the nearest to it where such rows take too much room. A full disk leaves them for later. */
  expire(now: number): WorkerRow[] {
    const isDue = this.#nextExpiry !== undefined && this.#nextExpiry <= now
    if (!isDue && this.#timeToLiveBytes <= this.#options.timeToLiveBytes) return []
    const before = { revision: this.#revision, bytes: this.#timeToLiveBytes }
    const removed: WorkerRow[] = []
    const isDone = this.#transact(() => {
      for (const row of this.#rows.expired(now, expiredAtOnce)) removed.push(this.#removeExpired(row))
      if (this.#timeToLiveBytes > this.#options.timeToLiveBytes) this.#makeRoom(removed)
    })
    if (!isDone) {
      ;({ revision: this.#revision, bytes: this.#timeToLiveBytes } = before)
      this.#nextExpiry = now + 60_000
      return []
    }
    this.#nextExpiry = this.#rows.number('nextExpiry') ?? undefined
    return removed
  }

  /** An earlier life may have had another idea of the time: what would stay for years, or ends before mk8s was written, or in a pause that is doubted, gets an hour. */
  redate({ now, isPauseDoubted }: { now: number; isPauseDoubted: boolean }): void {
    const earliest = isPauseDoubted ? now : now < earliestBelievable ? 0 : earliestBelievable
    this.#transact(() => this.#rows.redate({ earliest, farthest: now + farthestExpiry, instead: now + hour }))
    this.#nextExpiry = this.#rows.number('nextExpiry') ?? undefined
  }

  /** Leaves the file as after a clean stop. */
  close(): void {
    this.#state = { ...this.#state, clean: phases.stopped, revision: this.#revision }
    this.#transact(() => this.#rows.setState(this.#state))
  }

  /** Takes a lazy write into memory. @returns undefined when it needs the file. */
  #hold(request: WriteRequest, now: number): WriteResult | undefined {
    if (!request.lazy || request.kind === 'delete' || this.#revision >= this.#state.revision) return undefined
    const present = this.get(request.key)
    const verdict = this.#judge(request, present)
    if (verdict) return verdict
    // The first lazy write of a row that has known only durable ones must itself be durable: it is what marks the row.
    if (present && !present.lazy) return undefined
    const row = this.#rowOf(request, { now, lazy: 1 })
    this.#account(row, present)
    this.#heldBytes += row.value.length - (this.#held.get(row.key)?.value.length ?? 0)
    this.#held.set(row.key, row)
    return { outcome: 'done', revision: row.revision, value: nothing }
  }

  /** All in one transaction; where one write makes that impossible each gets its own. */
  #commitAll(requests: readonly WriteRequest[], now: number, attempt = 1): Written {
    const before = { revision: this.#revision, bytes: this.#timeToLiveBytes, nextExpiry: this.#nextExpiry }
    const undo = () => {
      this.#revision = before.revision
      this.#timeToLiveBytes = before.bytes
      this.#nextExpiry = before.nextExpiry
    }
    try {
      let results: WriteResult[] = []
      const isDone = this.#transact(() => (results = requests.map((request) => this.#apply(request, now))))
      if (isDone) return { results, reason: this.#options.room.reason }
      undo()
      if (attempt === 1) {
        this.#options.room.makeDo()
        return this.#commitAll(requests, now, 2)
      }
      return requests.length > 1 ? this.#commitEach(requests, now) : { results: requests.map(() => refused('full')), reason: this.#options.room.reason }
    } catch (error) {
      if (isFatal(error)) throw error
      undo()
      if (requests.length > 1) return this.#commitEach(requests, now)
      return { results: requests.map(() => refused('unavailable')), reason: (error as Error).message }
    }
  }

  #commitEach(requests: readonly WriteRequest[], now: number): Written {
    const each = requests.map((request) => this.#commitAll([request], now, 2))
    return { results: each.flatMap((written) => written.results), reason: each.map((written) => written.reason).find(Boolean) ?? '' }
  }

  #apply(request: WriteRequest, now: number): WriteResult {
    const present = this.#rows.get(request.key)
    const verdict = this.#judge(request, present)
    if (verdict) return verdict
    if (request.kind === 'delete') {
      this.#rows.remove(request.key)
      this.#account(undefined, present)
      return { outcome: 'done', revision: ++this.#revision, value: present!.value }
    }
    const row = this.#rowOf(request, { now, lazy: request.lazy || present?.lazy ? 1 : 0 })
    this.#rows.put(row, present)
    this.#account(row, present)
    return { outcome: 'done', revision: row.revision, value: nothing }
  }

  /** Runs `work` and what was held in one durable transaction. @returns false when there is no room: nothing is written then. */
  #transact(work: () => void): boolean {
    const before = { changes: this.#rows.totalChanges(), state: this.#state }
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const row of this.#held.values()) this.#rows.put(row, this.#rows.get(row.key))
      work()
      this.#reserve()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#state = before.state
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
      if (isFull(error)) return false
      throw error
    }
    this.#held.clear()
    this.#heldBytes = 0
    if (this.#rows.totalChanges() !== before.changes) this.#options.afterCommit()
    return true
  }

  #begin(): void {
    const begin = () => this.#rows.setState(this.#state)
    try {
      begin()
    } catch (error) {
      if (!isFull(error)) throw error
      this.#options.room.makeDo()
      begin()
    }
  }

  #judge(request: WriteRequest, present: StoredRow | undefined): WriteResult | undefined {
    const verdict = judge(request, present)
    return verdict ?? (request.kind === 'create' && this.#options.room.isShort ? refused('full') : undefined)
  }

  #reserve(): void {
    if (this.#state.clean === phases.stopped || this.#revision + block / 2 < this.#state.revision) return
    this.#state = { ...this.#state, revision: this.#revision + block }
    this.#rows.setState(this.#state)
  }

  /** A tenth more than needed, so that it is not needed again with the next write. */
  #makeRoom(removed: WorkerRow[]): void {
    const target = this.#options.timeToLiveBytes * 0.9
    while (this.#timeToLiveBytes > target) {
      const nearest = this.#rows.expired(Number.MAX_SAFE_INTEGER, 50)
      if (nearest.length === 0) return
      for (const row of nearest) removed.push(this.#removeExpired(row))
    }
  }

  #removeExpired(row: StoredRow): WorkerRow {
    this.#rows.remove(row.key)
    this.#account(undefined, row)
    return { key: row.key, revision: ++this.#revision, value: row.value }
  }

  #rowOf(request: WriteRequest, about: { now: number; lazy: 0 | 1 }): StoredRow {
    const { timeToLiveSeconds } = request
    const expires = timeToLiveSeconds === undefined ? null : about.now + timeToLiveSeconds * 1000
    return { key: request.key, revision: ++this.#revision, lazy: about.lazy, expires, value: request.value as Buffer }
  }

  #account(row: StoredRow | undefined, before: StoredRow | undefined): void {
    if (before && before.expires !== null) this.#timeToLiveBytes -= before.value.length
    if (!row || row.expires === null) return
    this.#timeToLiveBytes += row.value.length
    this.#nextExpiry = Math.min(this.#nextExpiry ?? Infinity, row.expires)
  }
}

/** What a write gets without being done; undefined when it is to be done. */
function judge(request: WriteRequest, present: StoredRow | undefined): WriteResult | undefined {
  if (request.kind === 'create') return present && refused('exists', present)
  if (!present) return refused('missing')
  if (present.revision !== request.expected) return refused('conflict', present)
  const unchanged = request.kind === 'update' && present.value.equals(request.value)
  return unchanged ? { outcome: 'unchanged', revision: present.revision, value: nothing } : undefined
}

/** After these nobody knows what the file holds. */
const isFatal = (error: unknown): boolean => /^SQLITE_(IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|PROTOCOL|MISUSE)/.test(codeOf(error))
