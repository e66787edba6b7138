// The Storage without a disk: for tests, and the contract's plainest reading. Lazy writes are ordinary ones here.
import type { Clock, Timer } from '../base/clock.ts'
import { type Change, type Listing, type Revision, type Row, type Storage, StorageError, type WriteOptions } from './storage.ts'

type Listener = (changes: readonly Change[]) => void

export class MemoryStorage implements Storage {
  readonly #clock: Clock
  readonly #rows = new Map<string, Row>()
  readonly #expiry = new Map<string, Timer>()
  readonly #listeners = new Set<Listener>()
  #revision: Revision
  #closed = false

  constructor(options: { clock: Clock; firstRevision?: Revision }) {
    this.#clock = options.clock
    this.#revision = options.firstRevision ?? 1
  }

  async get(key: string): Promise<Row | undefined> {
    this.#checkOpen()
    return this.#rows.get(key)
  }

  async list(prefix: string): Promise<Listing> {
    this.#checkOpen()
    const rows = [...this.#rows.values()].filter((row) => row.key.startsWith(prefix))
    return { rows: rows.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))), revision: this.#revision }
  }

  async create(key: string, value: Buffer, options: WriteOptions = {}): Promise<Revision> {
    this.#checkOpen()
    const row = this.#rows.get(key)
    if (row) throw new StorageError('exists', `${key} exists`, { key, row })
    return this.#put(key, value, options)
  }

  async update(key: string, value: Buffer, expected: Revision, options: WriteOptions = {}): Promise<Revision> {
    const row = this.#expect(key, expected)
    return row.value.equals(value) ? row.revision : this.#put(key, value, options)
  }

  async delete(key: string, expected: Revision): Promise<Revision> {
    return this.#remove(this.#expect(key, expected))
  }

  watch(from: Revision, listener: Listener): { stop(): void } {
    this.#checkOpen()
    if (from !== this.#revision) throw new StorageError('compacted', `no history after revision ${from}, the present one is ${this.#revision}`)
    const own: Listener = (changes) => listener(changes)
    this.#listeners.add(own)
    return { stop: () => void this.#listeners.delete(own) }
  }

  async currentRevision(): Promise<Revision> {
    return this.#revision
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#expiry.values()) timer.cancel()
    this.#listeners.clear()
  }

  #expect(key: string, expected: Revision): Row {
    this.#checkOpen()
    const row = this.#rows.get(key)
    if (!row) throw new StorageError('missing', `${key} does not exist`, { key })
    if (row.revision !== expected) throw new StorageError('conflict', `${key} is at revision ${row.revision}, not ${expected}`, { key, row })
    return row
  }

  #put(key: string, value: Buffer, options: WriteOptions): Revision {
    const row = { key, value, revision: ++this.#revision }
    this.#rows.set(key, row)
    this.#expiry.get(key)?.cancel()
    this.#expiry.delete(key)
    if (options.timeToLiveSeconds !== undefined) this.#expiry.set(key, this.#clock.after(options.timeToLiveSeconds * 1000, () => this.#remove(row)))
    this.#emit({ type: 'put', ...row })
    return row.revision
  }

  #remove(row: Row): Revision {
    this.#rows.delete(row.key)
    this.#expiry.get(row.key)?.cancel()
    this.#expiry.delete(row.key)
    const revision = ++this.#revision
    this.#emit({ type: 'delete', key: row.key, value: row.value, revision })
    return revision
  }

  #emit(change: Change): void {
    for (const listener of this.#listeners) listener([change])
  }

  #checkOpen(): void {
    if (this.#closed) throw new StorageError('unavailable', 'storage is closed')
  }
}
