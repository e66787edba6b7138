// The main thread's side: collects concurrent writes into groups, one under way at a time, and tells listeners what has become durable.
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type Change, type Listing, type Revision, type Row, type Storage, StorageError, type WriteOptions } from '../storage/storage.ts'
import { lastWrite } from './last-write.ts'
import {
  type FromWorker, type Outlook, packWrites, type ToWorker, unpackResults, unpackRows, type WorkerSettings, type WriteRequest, type WriteResult,
} from './protocol.ts'
import { DamagedDatabaseError, explain, UnusableDatabaseError } from './unusable.ts'

export interface SqliteOptions {
  path: string
  /** Starts a thread that runs `worker.ts` with this as its `workerData`. */
  startWorker(workerData: unknown): Worker
  clock: Clock
  log: Logger
  /** False: a database that is not there is a loss, not a beginning. */
  mayCreate?: boolean
  /** File of better-sqlite3's addon; default: where its package has it. */
  nativeBinding?: string
  /** Lazy writes reach the file at the latest after this. */
  lazyMilliseconds?: number
  /** Rows with a time to live are removed early where they take more than this together. */
  timeToLiveBytes?: number
  /** Kept beside the database for the work that makes room on a full disk. */
  reserveBytes?: number
  /** Makes each sync take this much longer: for tests of slow cards. */
  fsyncDelayMilliseconds?: number
  /** Revisions go on this far beyond where they stood: for a copy from the past, so that what was handed out after it is not handed out again. */
  skipRevisions?: number
}

export interface SqliteStorage extends Storage {
  /** Resolves when the disk has failed: nothing more can be written, the process should end and recover by starting again. */
  readonly failed: Promise<Error>
  /**
   * Makes a whole, consistent copy at `path` while writes go on. It is not checked: that would hold up writes, and opening it does so.
   * @returns a revision beyond which nothing is in it. @throws Error in one line
   */
  copyTo(path: string): Promise<Revision>
  /** Says the same as long as no durable row comes, goes or changes. Rows that were ever written lazily, and keys that begin with `except`, do not count. */
  durableMark(except?: string): Promise<string>
  /** The thread and SQLite give memory back that only a load needed. */
  relieve(): void
}

/** At most this goes into one group, so that telling its listeners stays short. */
const groupWrites = 256
const groupBytes = 4 << 20
/** Expired rows are looked for no more often. */
const expiryPause = 10_000

interface Pending extends WriteRequest {
  value: Buffer
  resolve(revision: Revision): void
  reject(error: StorageError): void
}

interface Reading {
  rows: Row[]
  resolve(listing: Listing): void
  reject(error: StorageError): void
}

/** @throws DamagedDatabaseError where a part of the database is lost; UnusableDatabaseError for other reasons. The message is one line for the administrator. */
export async function openSqliteStorage(options: SqliteOptions): Promise<SqliteStorage> {
  const now = options.clock.now()
  const written = lastWrite(options.path) ?? now
  const settings: WorkerSettings = {
    role: 'mk8s-storage', path: options.path, nativeBinding: options.nativeBinding, mayCreate: options.mayCreate ?? true, now, isPauseDoubted: now - written > options.clock.since(written) + 1000,
    fsyncDelayMilliseconds: options.fsyncDelayMilliseconds ?? 0, timeToLiveBytes: options.timeToLiveBytes ?? 16 << 20, reserveBytes: options.reserveBytes ?? 0, skipRevisions: options.skipRevisions ?? 0,
  }
  const worker = options.startWorker(settings)
  return new GroupingStorage(worker, options, await firstMessage(worker, options.path))
}

type Opened = FromWorker & { type: 'opened' }

function firstMessage(worker: Worker, path: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      worker.off('error', onError).off('exit', onExit).off('message', onMessage)
      settled()
    }
    const refuse = (error: Error) => settle(() => reject(error))
    const onError = (error: unknown) => refuse(explain(error, path))
    const onExit = () => refuse(explain(new Error('its worker thread has ended'), path))
    const onMessage = (message: FromWorker) => {
      if (message.type === 'opened') settle(() => resolve(message))
      else refuse(message.type === 'refused' ? reasonOf(message) : new Error(`unexpected message ${message.type}`))
    }
    worker.on('error', onError).on('exit', onExit).on('message', onMessage)
  })
}

const reasonOf = ({ message, damaged }: { message: string; damaged: boolean }) => new (damaged ? DamagedDatabaseError : UnusableDatabaseError)(message)

class GroupingStorage implements SqliteStorage {
  readonly failed: Promise<Error>
  readonly #worker: Worker
  readonly #options: SqliteOptions
  readonly #openedAt: { wall: number; monotonic: number }
  readonly #listeners = new Set<(changes: readonly Change[]) => void>()
  readonly #readings = new Map<number, Reading>()
  readonly #asked = new Map<number, PromiseWithResolvers<string>>()
  #revision: Revision
  #queue: Pending[] = []
  #group: Pending[] = []
  #sending = false
  #nextId = 1
  #flushTimer: Timer | undefined
  #expiry: { timer: Timer; due: number } | undefined
  #lastExpiry = -Infinity
  #isShortOfRoom = false
  #closing: Promise<void> | undefined
  #closed: () => void = () => {}
  #broken: Error | undefined
  #fail: (error: Error) => void = () => {}

  constructor(worker: Worker, options: SqliteOptions, opened: { revision: Revision; outlook: Outlook }) {
    this.#worker = worker
    this.#options = options
    this.#openedAt = { wall: options.clock.now(), monotonic: options.clock.monotonic() }
    this.#revision = opened.revision
    this.failed = new Promise((resolve) => (this.#fail = resolve))
    worker.on('message', (message: FromWorker) => this.#receive(message))
    worker.on('error', (error) => this.#break(error as Error))
    worker.on('exit', () => this.#exited())
    this.#plan(opened.outlook)
  }

  async get(key: string): Promise<Row | undefined> {
    const { rows } = await this.#read((id) => ({ type: 'get', id, key }))
    return rows[0]
  }

  async list(prefix: string): Promise<Listing> {
    const listing = await this.#read((id) => ({ type: 'list', id, prefix }))
    listing.rows.sort(byKeyAsBytes)
    return listing
  }

  create(key: string, value: Buffer, options: WriteOptions = {}): Promise<Revision> {
    return this.#write({ kind: 'create', key, value, expected: 0 }, options)
  }

  update(key: string, value: Buffer, expected: Revision, options: WriteOptions = {}): Promise<Revision> {
    return this.#write({ kind: 'update', key, value, expected }, options)
  }

  delete(key: string, expected: Revision): Promise<Revision> {
    return this.#write({ kind: 'delete', key, value: nothing, expected }, {})
  }

  watch(from: Revision, listener: (changes: readonly Change[]) => void): { stop(): void } {
    if (from !== this.#revision) throw new StorageError('compacted', `no history after revision ${from}, the present one is ${this.#revision}`)
    const own = (changes: readonly Change[]) => listener(changes)
    this.#listeners.add(own)
    return { stop: () => void this.#listeners.delete(own) }
  }

  async copyTo(path: string): Promise<Revision> {
    await this.#ask((id) => ({ type: 'copy', id, path }))
    return this.#revision
  }

  durableMark(except = ''): Promise<string> {
    return this.#ask((id) => ({ type: 'mark', id, except }))
  }

  relieve(): void {
    if (!this.#unavailable()) this.#post({ type: 'relieve' })
  }

  #ask(message: (id: number) => ToWorker): Promise<string> {
    const reason = this.#unavailable()
    if (reason) return Promise.reject(reason)
    const id = this.#nextId++
    const asking = Promise.withResolvers<string>()
    this.#asked.set(id, asking)
    this.#post(message(id))
    return asking.promise
  }

  async currentRevision(): Promise<Revision> {
    return this.#revision
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#flushTimer?.cancel()
    this.#expiry?.timer.cancel()
    if (this.#broken) return
    const closed = new Promise<void>((resolve) => (this.#closed = resolve))
    if (!this.#sending && this.#queue.length === 0) this.#post({ type: 'close' })
    await closed
    await this.#worker.terminate()
    this.#listeners.clear()
  }

  #write(write: Pick<Pending, 'kind' | 'key' | 'value' | 'expected'>, options: WriteOptions): Promise<Revision> {
    return new Promise((resolve, reject) => {
      const reason = this.#unavailable()
      if (reason) return reject(reason)
      this.#queue.push({ ...write, lazy: options.lazy ?? false, timeToLiveSeconds: options.timeToLiveSeconds, resolve, reject })
      if (this.#sending) return
      this.#sending = true
      queueMicrotask(() => this.#sendGroup())
    })
  }

  #read(message: (id: number) => ToWorker): Promise<Listing> {
    return new Promise((resolve, reject) => {
      const reason = this.#unavailable()
      if (reason) return reject(reason)
      const id = this.#nextId++
      this.#readings.set(id, { rows: [], resolve, reject })
      this.#post(message(id))
    })
  }

  #unavailable(): StorageError | undefined {
    if (this.#broken) return new StorageError('unavailable', this.#broken.message, { cause: this.#broken })
    return this.#closing ? new StorageError('unavailable', 'storage is closed') : undefined
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  #sendGroup(): void {
    let bytes = 0
    const end = this.#queue.findIndex((write, i) => i >= groupWrites || (bytes += write.value.length) > groupBytes && i > 0)
    this.#group = end < 0 ? this.#queue : this.#queue.slice(0, end)
    this.#queue = end < 0 ? [] : this.#queue.slice(end)
    const packed = packWrites(this.#group)
    this.#post({ type: 'write', now: this.#now(), ...packed }, [packed.values.buffer])
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'written':
        this.#settle(unpackResults(message), message.reason)
        return this.#plan(message.outlook)
      case 'rows': return this.#collect(message)
      case 'removed':
        this.#emit(unpackRows(message).map((row) => ({ type: 'delete', ...row })))
        return this.#plan(message.outlook)
      case 'flushed':
        if (message.reason) this.#options.log.warn('lazy writes cannot be stored yet', { reason: message.reason })
        return this.#plan(message.outlook)
      case 'failed': return this.#break(reasonOf(message))
      case 'copied': return this.#answered(message.id).resolve('')
      case 'marked': return this.#answered(message.id).resolve(message.mark)
      case 'notCopied': return this.#answered(message.id).reject(new Error(message.reason))
      case 'closed': return this.#closed()
    }
  }

  #answered(id: number): PromiseWithResolvers<string> {
    const asking = this.#asked.get(id)!
    this.#asked.delete(id)
    return asking
  }

  #settle(results: (WriteResult & { value: Buffer })[], reason: string): void {
    const group = this.#group
    this.#group = []
    const changes = results.flatMap((result, i) => (result.outcome === 'done' ? [changeOf(group[i]!, result)] : []))
    this.#emit(changes)
    results.forEach((result, i) => settleOne(group[i]!, result, reason))
    this.#sending = this.#queue.length > 0
    if (this.#sending) this.#sendGroup()
    else if (this.#closing) this.#post({ type: 'close' })
  }

  #emit(changes: Change[]): void {
    if (changes.length === 0) return
    this.#revision = changes.at(-1)!.revision
    for (const listener of this.#listeners) listener(changes)
  }

  #collect(message: FromWorker & { type: 'rows' }): void {
    const reading = this.#readings.get(message.id)!
    for (const row of unpackRows(message)) reading.rows.push(row)
    if (!message.last) return
    this.#readings.delete(message.id)
    reading.resolve({ rows: reading.rows, revision: message.revision })
  }

  /** Arms the timers for what the worker has waiting. */
  #plan({ unflushed, nextExpiry, isShortOfRoom }: Outlook): void {
    if (isShortOfRoom !== this.#isShortOfRoom) this.#tellRoom(isShortOfRoom)
    if (this.#closing) return
    const { clock, lazyMilliseconds } = this.#options
    if (!unflushed) this.#flushTimer?.cancel()
    this.#flushTimer = !unflushed ? undefined : (this.#flushTimer ?? clock.after(lazyMilliseconds ?? 30_000, () => this.#flush()))
    if (nextExpiry === this.#expiry?.due) return
    this.#expiry?.timer.cancel()
    const soonest = this.#lastExpiry + expiryPause - clock.monotonic()
    this.#expiry = nextExpiry === undefined ? undefined : {
      due: nextExpiry, timer: clock.after(Math.max(0, soonest, nextExpiry - this.#now()), () => this.#expire()),
    }
  }

  #tellRoom(isShort: boolean): void {
    this.#isShortOfRoom = isShort
    const { log, path } = this.#options
    if (isShort) log.warn('no room on the disk of the database: only changes and deletions are accepted until there is', { path })
    else log.info('there is room for the database again', { path })
  }

  #flush(): void {
    this.#flushTimer = undefined
    this.#post({ type: 'flush' })
  }

  #expire(): void {
    this.#expiry = undefined
    this.#lastExpiry = this.#options.clock.monotonic()
    this.#post({ type: 'expire', now: this.#now() })
  }

  /** Wall time as it was at the start, and on from there whatever the clock is set to: what lives for an hour lives for an hour. */
  #now(): number {
    return this.#openedAt.wall + this.#options.clock.monotonic() - this.#openedAt.monotonic
  }

  #exited(): void {
    if (!this.#closing) this.#break(new Error(`the worker thread of database ${this.#options.path} has ended`))
    this.#closed()
  }

  #break(error: Error): void {
    if (this.#broken) return
    this.#broken = error
    const reason = () => new StorageError('unavailable', error.message, { cause: error })
    for (const waiting of [...this.#group, ...this.#queue, ...this.#readings.values(), ...this.#asked.values()]) waiting.reject(reason())
    this.#group = []
    this.#queue = []
    this.#readings.clear()
    this.#asked.clear()
    this.#flushTimer?.cancel()
    this.#expiry?.timer.cancel()
    this.#fail(error)
    this.#closed()
  }
}

const nothing = Buffer.alloc(0)

const changeOf = (write: Pending, result: WriteResult & { value: Buffer }): Change =>
  write.kind === 'delete'
    ? { type: 'delete', key: write.key, value: result.value, revision: result.revision }
    : { type: 'put', key: write.key, value: write.value, revision: result.revision }

function settleOne({ key, resolve, reject }: Pending, { outcome, revision, value }: WriteResult & { value: Buffer }, reason: string): void {
  switch (outcome) {
    case 'done':
    case 'unchanged': return resolve(revision)
    case 'missing': return reject(new StorageError('missing', `${key} does not exist`, { key }))
    case 'exists': return reject(new StorageError('exists', `${key} exists`, { key, row: { key, revision, value } }))
    case 'conflict': return reject(new StorageError('conflict', `${key} is at revision ${revision}`, { key, row: { key, revision, value } }))
    case 'full': return reject(new StorageError('full', `cannot write ${key}: ${reason}`, { key }))
    case 'unavailable': return reject(new StorageError('unavailable', `cannot write ${key}: ${reason}`, { key }))
  }
}

/** UTF-16 differs from UTF-8 in order only where surrogates meet what lies beyond them. */
function byKeyAsBytes(a: Row, b: Row): number {
  if (surrogate.test(a.key) || surrogate.test(b.key)) return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
  return a.key < b.key ? -1 : 1
}
const surrogate = /[\ud800-\udfff]/
