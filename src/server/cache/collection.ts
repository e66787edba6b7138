// One kind's entries: those of now in key order, what is known of the past, and who watches.
import { parseOwnJson } from '../../api/codec/json.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Revision } from '../../storage/storage.ts'
import type { ByteBudget } from './byte-budget.ts'
import { CachedEntry, type EntryContext } from './entry.ts'
import type { Batch } from './recorded-change.ts'
import { SortedMap, type SortedView } from './sorted-map.ts'
import type { CollectionOptions } from './types.ts'
import { History } from './window.ts'

/** Snapshots kept for pages to come; others are made again from the history. */
const keptSnapshots = 32

export class Collection implements EntryContext {
  readonly entries = new SortedMap<CachedEntry>()
  readonly history: History
  readonly budget: ByteBudget
  /** The newest batch that was made for watchers of everything: most of them ask for the same. */
  sharedBatch: { from: number; to: number; historyEnd: number; batch: Batch } | undefined
  #options: CollectionOptions | undefined
  readonly #snapshots = new Map<number, SortedView<CachedEntry>>()

  constructor(about: { startedAt: Revision; budget: ByteBudget }) {
    this.history = new History(about.startedAt)
    this.budget = about.budget
  }

  /** Of rows that came before, too. */
  declare(options: CollectionOptions): void {
    this.#options = options
    for (const entry of this.entries.range('', '\u{10ffff}')) this.index(entry)
  }

  decode(value: Buffer): KubeObject {
    return this.#options?.decode ? this.#options.decode(value) : (parseOwnJson(value) as KubeObject)
  }

  index(entry: CachedEntry): void {
    if (this.#options) entry.index = this.#options.indexOf(entry.key, entry.peek())
  }

  /** The entries as they were at `revision`, which the history must reach back to. */
  at(revision: Revision): SortedView<CachedEntry> {
    const next = this.history.after(revision)
    if (next === this.history.end) return this.entries.snapshot()
    return this.#snapshots.get(next) ?? this.#remember(next, this.#rewind(next))
  }

  /** Keeps the present state at hand for the pages that follow. */
  keepSnapshot(view: SortedView<CachedEntry>, revision: Revision): void {
    this.#remember(this.history.after(revision), view)
  }

  /** Those that no list can ask for any more. */
  forgetSnapshots(): void {
    for (const number of this.#snapshots.keys()) if (number < this.history.first) this.#snapshots.delete(number)
  }

  #remember(next: number, view: SortedView<CachedEntry>): SortedView<CachedEntry> {
    for (const number of this.#snapshots.keys()) {
      if (number < this.history.first || this.#snapshots.size >= keptSnapshots) this.#snapshots.delete(number)
    }
    this.#snapshots.set(next, view)
    return view
  }

  #rewind(to: number): SortedView<CachedEntry> {
    const past = SortedMap.from(this.entries.snapshot())
    for (let number = this.history.end - 1; number >= to; number--) {
      const { key, previous } = this.history.at(number)
      if (previous) past.set(previous)
      else past.delete(key)
    }
    return past
  }
}
