// The seam between mk8s and what keeps its state: keys, bytes and revisions; it knows no kinds.
//
// Every engine guarantees: a write that was acknowledged is durable (but for writes marked lazy); revisions are ordered and never handed
// out twice, also across a crash, a restore or a migration; the change feed carries every durable change once, in revision order.

/** A positive integer below 2^53, ordered in time over the whole store. */
export type Revision = number

export interface Row {
  readonly key: string
  readonly value: Buffer
  /** Of the write that made this value. */
  readonly revision: Revision
}

export interface Change {
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The new value; for a delete the last one. */
  readonly value: Buffer
  readonly revision: Revision
}

export interface WriteOptions {
  /** The write may be lost in a crash within some seconds; it is seen by readers at once and costs no sync of its own. */
  lazy?: boolean
  /** The row is removed (as an ordinary delete in the feed) this long after its last write. */
  timeToLiveSeconds?: number
}

export interface Listing {
  rows: Row[]
  /** Of the whole store at the instant the rows were read. */
  revision: Revision
}

export interface Storage {
  get(key: string): Promise<Row | undefined>
  /** Every row whose key starts with `prefix`, ordered by key as bytes. */
  list(prefix: string): Promise<Listing>
  /** @throws StorageError `exists` */
  create(key: string, value: Buffer, options?: WriteOptions): Promise<Revision>
  /** A write whose value equals the present one commits nothing and returns the present revision. @throws StorageError `missing`, `conflict` */
  update(key: string, value: Buffer, expected: Revision, options?: WriteOptions): Promise<Revision>
  /** @returns the revision of the deletion. @throws StorageError `missing`, `conflict` */
  delete(key: string, expected: Revision): Promise<Revision>
  /**
   * Calls `listener` with each batch of durable changes after `from`, in order and without a gap. The changes of a write are delivered
   * before that write's promise resolves. An engine need not keep history: @throws StorageError `compacted` when `from` is not the present revision.
   */
  watch(from: Revision, listener: (changes: readonly Change[]) => void): { stop(): void }
  currentRevision(): Promise<Revision>
  /** Rejects writes, waits for those under way, makes lazy ones durable and releases everything. */
  close(): Promise<void>
}

/** `full`: there is no room for the write; one that makes room may succeed. */
export type StorageErrorCode = 'exists' | 'missing' | 'conflict' | 'compacted' | 'full' | 'unavailable'

export class StorageError extends Error {
  readonly code: StorageErrorCode
  readonly key: string | undefined
  /** For `conflict` and `exists`: the row as it is. */
  readonly row: Row | undefined

  constructor(code: StorageErrorCode, message: string, about: { key?: string; row?: Row; cause?: unknown } = {}) {
    super(message, { cause: about.cause })
    this.name = 'StorageError'
    this.code = code
    this.key = about.key
    this.row = about.row
  }
}
