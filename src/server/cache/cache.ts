// The read path: all of storage's present state in memory, a window of its past, and the watches. One class above any engine.
// It changes only by the engine's feed, so it never shows what is not durable, and its revision only grows.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { KubeObject } from '../../api/object.ts'
import { type Change, type Listing, type Revision, type Storage, StorageError } from '../../storage/storage.ts'
import { ByteBudget } from './byte-budget.ts'
import { Collection } from './collection.ts'
import { CachedEntry } from './entry.ts'
import { list, planList } from './lists.ts'
import { RecordedChange } from './recorded-change.ts'
import { parseWatchRevision, tooLargeRevision } from './revisions.ts'
import { ScopeMap, collectionOf, rangeOf } from './scope.ts'
import type { Cache, CollectionOptions, Entry, ListQuery, ListResult, Watch, WatchQuery, WriteInput } from './types.ts'
import { type Beginning, Watcher } from './watcher.ts'
import { Window, type WindowLimits } from './window.ts'

export interface CacheOptions {
  storage: Storage
  clock: Clock
  log: Logger
  collections?: readonly CollectionOptions[]
  window?: Partial<WindowLimits>
  /** For parsed objects and served bytes together. */
  budgetBytes?: number
  bookmarkMilliseconds?: number
}

const reachMilliseconds = 3000
const defaultWindow: WindowLimits = { maxAgeMilliseconds: 300_000, maxBytes: 16 << 20 }
/** Long enough for a client that reconnects. */
const keptAtRestMilliseconds = 60_000
/** Rows loaded before the event loop gets a turn. */
const loadSlice = 500

type Listener = (previous: Entry | undefined, now: Entry | undefined, revision: Revision) => void

export async function openCache(options: CacheOptions): Promise<Cache> {
  for (;;) {
    const listing = await options.storage.list('')
    const cache = new StorageCache(options, listing.revision)
    try {
      cache.follow()
    } catch (error) {
      if (error instanceof StorageError && error.code === 'compacted') continue
      throw error
    }
    await cache.load(listing)
    return cache
  }
}

class StorageCache implements Cache {
  readonly #options: CacheOptions
  readonly #startedAt: Revision
  readonly #budget: ByteBudget
  readonly #window: Window
  readonly #collections = new Map<string, Collection>()
  readonly #watchers = new ScopeMap<Watcher>()
  readonly #listeners = new ScopeMap<Listener>()
  /** Objects of writes under way, by the bytes that are written: saves parsing them when they come back in the feed. */
  readonly #written = new WeakMap<Buffer, KubeObject>()
  readonly #awaiting = new Set<{ revision: Revision; resolve(): void }>()
  #feed: { stop(): void } | undefined
  /** Changes that come while the first state is being loaded. */
  #early: (readonly Change[])[] | undefined = []
  #bookmarkTimer: Timer | undefined
  revision: Revision

  constructor(options: CacheOptions, revision: Revision) {
    this.#options = options
    this.#startedAt = revision
    this.revision = revision
    this.#budget = new ByteBudget(options.budgetBytes ?? 16 << 20)
    this.#window = new Window({ ...defaultWindow, ...options.window })
    for (const collection of options.collections ?? []) this.register(collection)
  }

  follow(): void {
    this.#feed = this.#options.storage.watch(this.#startedAt, (changes) => (this.#early ? this.#early.push(changes) : this.#apply(changes)))
  }

  async load({ rows }: Listing): Promise<void> {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const collection = this.#collection(collectionOf(row.key))
      collection.entries.set(this.#index(collection, new CachedEntry(row, collection)))
      if (i % loadSlice === loadSlice - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    const early = this.#early!
    this.#early = undefined
    for (const changes of early) this.#apply(changes)
  }

  register(options: CollectionOptions): void {
    this.#collection(options.prefix).declare(options)
  }

  get(key: string): Entry | undefined {
    return this.#collections.get(collectionOf(key))?.entries.get(key)
  }

  scan(scope: string): Iterable<Entry> {
    const { from, end } = rangeOf(scope)
    return this.#collection(collectionOf(scope)).entries.snapshot().range(from, end)
  }

  count(scope: string): number {
    const { from, end } = rangeOf(scope)
    return this.#collection(collectionOf(scope)).entries.count(from, end)
  }

  async reached(revision: Revision, signal?: AbortSignal): Promise<void> {
    if (revision <= this.revision) return
    await new Promise<void>((resolve, reject) => {
      const settle = (settled: () => void) => {
        this.#awaiting.delete(waiter)
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        settled()
      }
      const onAbort = () => settle(() => reject(signal!.reason))
      const waiter = { revision, resolve: () => settle(resolve) }
      const timer = this.#options.clock.after(reachMilliseconds, () => settle(() => reject(tooLargeRevision(revision, this.revision))))
      this.#awaiting.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
    })
  }

  async latest(): Promise<Revision> {
    await this.reached(await this.#options.storage.currentRevision())
    return this.revision
  }

  async list(query: ListQuery): Promise<ListResult> {
    const plan = planList(query)
    if (plan.at === 'latest') await this.latest()
    else await this.reached(plan.revision, query.signal)
    const compacted = this.#window.compacted(this.#options.clock.monotonic())
    return list(this.#collection(collectionOf(query.scope)), query, { plan, current: this.revision, compacted })
  }

  watch(query: WatchQuery): Watch {
    const revision = parseWatchRevision(query.resourceVersion)
    const watcher: Watcher = new Watcher({
      collection: this.#collection(collectionOf(query.scope)),
      scope: query.scope,
      selection: query.selection,
      bookmarks: query.allowWatchBookmarks ?? false,
      currentRevision: () => this.revision,
      begin: () => this.#beginning(query, revision),
      ended: (ended) => {
        this.#watchers.remove(ended.scope, ended)
        query.signal.removeEventListener('abort', onAbort)
      },
    })
    const onAbort = () => watcher.end()
    this.#watchers.add(query.scope, watcher)
    query.signal.addEventListener('abort', onAbort, { once: true })
    if (query.signal.aborted) onAbort()
    return watcher
  }

  onChange(scope: string, listener: Listener): () => void {
    const own: Listener = (...change) => listener(...change)
    this.#listeners.add(scope, own)
    return () => this.#listeners.remove(scope, own)
  }

  async create(key: string, input: WriteInput): Promise<Entry> {
    this.#expect(input)
    return this.#entryAt(key, await this.#options.storage.create(key, input.value, input.options), input.value)
  }

  async update(key: string, input: WriteInput, expected: Revision): Promise<Entry> {
    this.#expect(input)
    return this.#entryAt(key, await this.#options.storage.update(key, input.value, expected, input.options), input.value)
  }

  async delete(key: string, expected: Revision): Promise<Entry> {
    const before = this.get(key)
    const last = before?.revision === expected ? before : await this.#options.storage.get(key)
    const revision = await this.#options.storage.delete(key, expected)
    return this.#entryAt(key, revision, last!.value)
  }

  forget(): void {
    this.#budget.clear()
    this.#window.forget(this.#options.clock.monotonic(), keptAtRestMilliseconds)
  }

  stop(): void {
    this.#feed?.stop()
    this.#bookmarkTimer?.cancel()
    for (const watcher of this.#watchers.all()) watcher.end()
  }

  async #beginning(query: WatchQuery, revision: Revision): Promise<Beginning> {
    const wantsState = query.sendInitialEvents ?? revision === 0
    if (!query.resourceVersion) await this.latest()
    else if (wantsState) await this.reached(revision, query.signal)
    if (!wantsState) return { revision: revision || this.revision, announceEnd: false }
    return { revision: this.revision, initial: this.scan(query.scope)[Symbol.iterator](), announceEnd: query.sendInitialEvents === true }
  }

  #expect({ value, object }: WriteInput): void {
    if (object) this.#written.set(value, object)
  }

  /** The entry a write has made, also when others have written since. */
  #entryAt(key: string, revision: Revision, value: Buffer): Entry {
    const now = this.get(key)
    if (now?.revision === revision) return now
    const collection = this.#collection(collectionOf(key))
    return this.#index(collection, new CachedEntry({ key, revision, value }, collection))
  }

  #collection(prefix: string): Collection {
    const present = this.#collections.get(prefix)
    if (present) return present
    const collection = new Collection({ startedAt: this.#startedAt, budget: this.#budget })
    this.#collections.set(prefix, collection)
    return collection
  }

  #index(collection: Collection, entry: CachedEntry): CachedEntry {
    try {
      collection.index(entry)
    } catch (error) {
      this.#options.log.error('stored object cannot be read', { key: entry.key, error })
    }
    return entry
  }

  #apply(changes: readonly Change[]): void {
    const woken = new Set<Watcher>()
    for (const change of changes) this.#applyOne(change, woken)
    for (const waiter of this.#awaiting) if (waiter.revision <= this.revision) waiter.resolve()
    for (const watcher of woken) watcher.flush()
    this.#bookmarkTimer ??= this.#options.clock.after(this.#options.bookmarkMilliseconds ?? 60_000, () => {
      this.#bookmarkTimer = undefined
      for (const watcher of this.#watchers.all()) watcher.requestBookmark()
      for (const collection of this.#collections.values()) collection.forgetSnapshots()
    })
  }

  #applyOne(change: Change, woken: Set<Watcher>): void {
    const collection = this.#collection(collectionOf(change.key))
    const now = change.type === 'put' ? this.#entryOf(change, collection) : undefined
    const previous = now ? collection.entries.set(now) : collection.entries.delete(change.key)
    this.revision = change.revision
    if (!now && !previous) return
    const number = collection.history.end
    this.#window.add(new RecordedChange({
      revision: change.revision, time: this.#options.clock.monotonic(), previous, now, budget: this.#budget,
      gone: () => gone(previous!, change.revision, collection),
    }), collection.history)
    this.#watchers.forKey(change.key, (watcher) => (watcher.noted(number), woken.add(watcher)))
    this.#listeners.forKey(change.key, (listener) => this.#tell(listener, { previous, now, revision: change.revision }))
  }

  #entryOf(change: Change, collection: Collection): CachedEntry {
    const entry = new CachedEntry(change, collection)
    const object = this.#written.get(change.value)
    if (object) entry.adopt(object)
    // The entry keeps the bytes: they would keep the object for as long.
    this.#written.delete(change.value)
    return this.#index(collection, entry)
  }

  #tell(listener: Listener, about: { previous: Entry | undefined; now: Entry | undefined; revision: Revision }): void {
    try {
      listener(about.previous, about.now, about.revision)
    } catch (error) {
      this.#options.log.error('listener of the cache failed', { revision: about.revision, error })
    }
  }
}

/** `previous` as it left, under the revision of its leaving. */
function gone(previous: CachedEntry, revision: Revision, collection: Collection): CachedEntry {
  const entry = new CachedEntry({ key: previous.key, revision, value: previous.value }, collection)
  entry.index = previous.index
  return entry
}
