// A watch: first perhaps the state, then the changes of its scope from its place in the collection's history on. While nothing happens in
// the scope the watcher has no place at all, so that it costs nothing and cannot fall behind; it gets one with the next change.
import { expiredError } from '../../api/status-error.ts'
import type { Revision } from '../../storage/storage.ts'
import type { Collection } from './collection.ts'
import { Batch, initialEvent, type RecordedChange } from './recorded-change.ts'
import { inScope } from './scope.ts'
import type { CacheEvent, Entry, Selection, Watch, WatchBatch } from './types.ts'

const batchBytes = 256 * 1024
const batchEvents = 1000
/** Entries or changes looked at in one go, however few of them pass the selection. */
const scanned = 4000

interface WatcherOptions {
  collection: Collection
  scope: string
  selection: Selection | undefined
  bookmarks: boolean
  currentRevision(): Revision
  /** Resolves to where the watch begins. */
  begin(): Promise<Beginning>
  ended(watcher: Watcher): void
}

export interface Beginning {
  /** Changes after this revision follow. */
  revision: Revision
  /** The state at `revision`, where it is to be sent. */
  initial?: Iterator<Entry>
  announceEnd: boolean
}

type Result = IteratorResult<WatchBatch, undefined>
const done: Result = { done: true, value: undefined }

export class Watcher implements Watch, AsyncIterator<WatchBatch, undefined> {
  readonly #options: WatcherOptions
  #begun = false
  #initial: Iterator<Entry> | undefined
  /** Revision of the bookmark that closes the initial events. */
  #endToAnnounce: Revision | undefined
  /** Number of the next change to look at; undefined while there is none for this scope. */
  #place: number | undefined
  #bookmarkDue = false
  #told: Revision = 0
  /** The waiting consumer; resumed without a batch it looks again. */
  #parked: { resolve(batch: WatchBatch | undefined): void; reject(error: unknown): void } | undefined
  #ended = false

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  get scope(): string {
    return this.#options.scope
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<Result> {
    try {
      const batch = this.#ended ? undefined : await this.#pull()
      return batch ? { done: false, value: batch } : done
    } catch (error) {
      if (this.#ended) return done
      this.end()
      throw error
    }
  }

  async return(): Promise<Result> {
    this.end()
    return done
  }

  requestBookmark(): void {
    if (!this.#options.bookmarks) return
    this.#bookmarkDue = true
    this.flush()
  }

  /** A change of this scope was recorded under `number`. */
  noted(number: number): void {
    if (this.#begun) this.#place ??= number
  }

  /** Hands a waiting consumer what there is. */
  flush(): void {
    if (!this.#parked) return
    try {
      const batch = this.#take()
      if (batch || this.#place !== undefined) this.#resume(batch)
    } catch (error) {
      this.#parked.reject(error)
    }
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#initial = undefined
    this.#options.ended(this)
    this.#resume(undefined)
  }

  #resume(batch: WatchBatch | undefined): void {
    const parked = this.#parked
    this.#parked = undefined
    parked?.resolve(batch)
  }

  async #pull(): Promise<WatchBatch | undefined> {
    if (!this.#begun) await this.#begin()
    while (!this.#ended) {
      const idle = this.#initial === undefined && this.#place === undefined
      const batch = this.#take() ?? (await (idle ? this.#park() : nextTurn()))
      if (batch) return batch
    }
    return undefined
  }

  #park(): Promise<WatchBatch | undefined> {
    return new Promise((resolve, reject) => (this.#parked = { resolve, reject }))
  }

  async #begin(): Promise<void> {
    const { revision, initial, announceEnd } = await this.#options.begin()
    const { history } = this.#options.collection
    if (!initial && revision < history.completeAfter) throw expiredError(`too old resource version: ${revision} (${history.completeAfter})`)
    const next = history.after(revision)
    this.#place = next < history.end ? next : undefined
    this.#initial = initial
    if (announceEnd && this.#options.bookmarks) this.#endToAnnounce = revision
    this.#begun = true
  }

  #take(): WatchBatch | undefined {
    if (this.#initial) return this.#takeInitial(this.#initial)
    if (this.#endToAnnounce !== undefined) return this.#announceEnd(this.#endToAnnounce)
    if (this.#place !== undefined) return this.#takeChanges(this.#place)
    if (this.#bookmarkDue) return this.#takeBookmark()
    return undefined
  }

  #takeInitial(entries: Iterator<Entry>): WatchBatch | undefined {
    const { selection } = this.#options
    const events: CacheEvent[] = []
    for (let seen = 0, bytes = 0; seen < scanned && events.length < batchEvents && bytes < batchBytes; seen++) {
      const next = entries.next()
      if (next.done) {
        this.#initial = undefined
        break
      }
      if (selection && !selection(next.value)) continue
      events.push(initialEvent(next.value))
      bytes += next.value.value.length
    }
    if (events.length > 0) return new Batch(events)
    return this.#initial ? undefined : this.#take()
  }

  #announceEnd(revision: Revision): WatchBatch {
    this.#endToAnnounce = undefined
    this.#told = revision
    return new Batch([{ type: 'BOOKMARK', revision, initialEventsEnd: true }])
  }

  #takeBookmark(): WatchBatch | undefined {
    this.#bookmarkDue = false
    const revision = this.#options.currentRevision()
    if (revision <= this.#told) return undefined
    this.#told = revision
    return new Batch([{ type: 'BOOKMARK', revision, initialEventsEnd: false }])
  }

  #takeChanges(from: number): WatchBatch | undefined {
    const { collection, selection, scope } = this.#options
    const { history } = collection
    if (from < history.first) throw expiredError(`too old resource version: ${this.#told} (${history.completeAfter})`)
    const plain = !selection && scope.indexOf('/') === scope.length - 1
    const shared = collection.sharedBatch
    if (plain && shared?.from === from && shared.historyEnd === history.end) return this.#advance(shared.to, shared.batch)
    const events: CacheEvent[] = []
    let number = from
    for (let bytes = 0; number < history.end && number - from < scanned && events.length < batchEvents && bytes < batchBytes; number++) {
      const change = history.at(number)
      const event = plain || inScope(change.key, scope) ? change.eventFor(selection) : undefined
      if (event) bytes += events.push(event) && sizeOf(change)
    }
    const batch = events.length > 0 ? new Batch(events) : undefined
    if (plain && batch) collection.sharedBatch = { from, to: number, historyEnd: history.end, batch }
    return this.#advance(number, batch)
  }

  #advance(to: number, batch: WatchBatch | undefined): WatchBatch | undefined {
    const { history } = this.#options.collection
    this.#place = to < history.end ? to : undefined
    if (batch) this.#told = Math.max(this.#told, history.at(to - 1).revision)
    return batch ?? (this.#place === undefined && this.#bookmarkDue ? this.#takeBookmark() : undefined)
  }
}

const nextTurn = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))

const sizeOf = (change: RecordedChange) => (change.now ?? change.previous)!.value.length
