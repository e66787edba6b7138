// The words of the cache. A key is `<collection>/<rest>`: the text through the first `/` names the collection, and by convention
// `<plural>[.<group>]/[<namespace>/]<name>`. A scope is a collection (`pods/`), a namespace in it (`pods/default/`) or one key.
import type { KubeObject, Stored } from '../../api/object.ts'
import type { Revision, WriteOptions } from '../../storage/storage.ts'

/** What stays in memory of every object beside its bytes: all that selectors, garbage collection and quota read. */
export interface EntryIndex {
  readonly uid?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerUids?: readonly string[]
  readonly nodeName?: string
  readonly phase?: string
  /** Selectable fields beyond name and namespace, by their path. */
  readonly fields?: Readonly<Record<string, string>>
}

export interface CollectionOptions {
  /** Up to and with its only `/`, as in `deployments.apps/`. */
  prefix: string
  /** Makes an object of stored bytes; default `parseOwnJson`. The cache adds `metadata.resourceVersion` and freezes. */
  decode?(value: Buffer): KubeObject
  indexOf(key: string, object: Stored): EntryIndex
}

/** One object at one revision; immutable. */
export interface Entry {
  readonly key: string
  readonly revision: Revision
  /** As stored: JSON of the storage version, without `metadata.resourceVersion`. */
  readonly value: Buffer
  readonly index: EntryIndex
  /** Parsed and deeply frozen, with `metadata.resourceVersion`. Shared by all who ask. */
  object(): Stored
  /** Bytes that are a function of this entry and of `form` (version, encoding, schema generation): made once, then remembered within the cache's budget. */
  served(form: string, encode: (entry: Entry) => Buffer): Buffer
}

export interface WriteInput {
  value: Buffer
  /** What `decode(value)` would give: saves the parsing. It becomes the cache's and is frozen. */
  object?: KubeObject
  options?: WriteOptions
}

/** What a reader asks for on top of scope and page. Selectors read `index` and `key` where they can. */
export type Selection = (entry: Entry) => boolean

export interface ListQuery {
  scope: string
  /** Undefined: everything (and `remaining` is known). */
  selection?: Selection
  limit?: number
  /** The three parameters as they came in the request (empty like undefined). */
  continue?: string
  resourceVersion?: string
  resourceVersionMatch?: string
  signal?: AbortSignal
}

export interface ListResult {
  revision: Revision
  entries: readonly Entry[]
  continue?: string
  /** Only with `continue` and without a selection. */
  remaining?: number
}

export interface WatchQuery {
  scope: string
  selection?: Selection
  resourceVersion?: string
  sendInitialEvents?: boolean
  allowWatchBookmarks?: boolean
  /** Ends the watch; the iterator then returns. */
  signal: AbortSignal
}

export type CacheEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
      /** For DELETED: the last value, under the revision of the deletion (or of the change that made it leave the selection). */
      readonly entry: Entry
      /** The state before: for informers of the same process. */
      readonly previous: Entry | undefined
      readonly revision: Revision
      /** As `Entry.served`, for the bytes of the whole event; shared by all watchers. */
      served(form: string, encode: (event: CacheEvent) => Buffer): Buffer
    }
  /** Everything up to `revision` was delivered. `initialEventsEnd`: annotate with `k8s.io/initial-events-end: "true"`. */
  | { readonly type: 'BOOKMARK'; readonly revision: Revision; readonly initialEventsEnd: boolean }

/**
 * Batches of events, each of at most about 256 kB, as fast as the consumer asks. Throws StatusError: 410 `Expired` when the start is too old
 * or the consumer too slow, 504 when the revision asked for is not reached. Upstream sends these as ERROR events, not as the answer's status.
 */
export interface Watch extends AsyncIterable<WatchBatch> {
  /** Asks for a bookmark after what is pending (as upstream before a watch times out). No-op without `allowWatchBookmarks`. */
  requestBookmark(): void
}

export interface WatchBatch {
  readonly events: readonly CacheEvent[]
  /** The events' bytes one after the other; made once for all watchers that got this very batch. */
  served(form: string, encode: (event: CacheEvent) => Buffer): Buffer
}

export interface Cache {
  /** Declares a collection, before or after its rows have come; again: indexes are made anew (a CRD has changed). */
  register(options: CollectionOptions): void
  /** Of the newest change applied. */
  readonly revision: Revision
  get(key: string): Entry | undefined
  /** Entries of a scope as they are now, in key order; the sequence is a snapshot. */
  scan(scope: string): Iterable<Entry>
  count(scope: string): number
  /** Resolves when `revision` has been applied. @throws StatusError 504 `Too large resource version` after 3 s. */
  reached(revision: Revision, signal?: AbortSignal): Promise<void>
  /** Resolves when the cache is as new as storage is now; free where storage is in this process. */
  latest(): Promise<Revision>
  /** @throws StatusError 400, 410, 504 */
  list(query: ListQuery): Promise<ListResult>
  /** @throws StatusError for a resourceVersion that is no number; all else comes out of the iterator. */
  watch(query: WatchQuery): Watch
  /** Called for each change of a scope as it is applied, synchronously; for what must never lag behind (authorizers). @returns a function that unsubscribes. */
  onChange(scope: string, listener: (previous: Entry | undefined, now: Entry | undefined, revision: Revision) => void): () => void
  /** The writes resolve when the cache shows them. @throws StorageError */
  create(key: string, input: WriteInput): Promise<Entry>
  /** Resolves with the present entry when nothing changes. @throws StorageError */
  update(key: string, input: WriteInput, expected: Revision): Promise<Entry>
  /** @returns the last value under the revision of the deletion. @throws StorageError */
  delete(key: string, expected: Revision): Promise<Entry>
  /** Lets go of everything that can be made again from stored bytes, and of changes older than a minute: for times of rest. */
  forget(): void
  /** Ends all watches; storage stays open. */
  stop(): void
}
