// The past changes of all collections, bounded by age and bytes. A collection's own changes are numbered without gaps, so that a watcher's
// place is a number; the oldest change of all is also the oldest of its collection, so that one queue decides what is dropped.
import type { Revision } from '../../storage/storage.ts'
import type { RecordedChange } from './recorded-change.ts'

/** A queue whose items keep their numbers while others leave at the front. */
class NumberedQueue<T> {
  #items: T[] = []
  #head = 0
  #dropped = 0

  get first(): number {
    return this.#dropped + this.#head
  }

  /** The number the next item will have. */
  get end(): number {
    return this.#dropped + this.#items.length
  }

  at(number: number): T {
    return this.#items[number - this.#dropped]!
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): void {
    this.#head++
    if (this.#head < 1024 || this.#head * 2 < this.#items.length) return this.#release()
    this.#items = this.#items.slice(this.#head)
    this.#dropped += this.#head
    this.#head = 0
  }

  #release(): void {
    this.#items[this.#head - 1] = undefined as T
  }
}

/** The changes of one collection that are still known. */
export class History {
  readonly #changes = new NumberedQueue<RecordedChange>()
  /** Every change after this revision is here. */
  #complete: Revision

  constructor(startedAt: Revision) {
    this.#complete = startedAt
  }

  get completeAfter(): Revision {
    return this.#complete
  }

  get first(): number {
    return this.#changes.first
  }

  get end(): number {
    return this.#changes.end
  }

  at(number: number): RecordedChange {
    return this.#changes.at(number)
  }

  /** Number of the first change after `revision`; only meaningful from `completeAfter` on. */
  after(revision: Revision): number {
    let low = this.first
    let high = this.end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.at(middle).revision <= revision) low = middle + 1
      else high = middle
    }
    return low
  }

  push(change: RecordedChange): void {
    this.#changes.push(change)
  }

  dropOldest(): void {
    this.#complete = this.at(this.first).revision
    this.#changes.shift()
  }
}

export interface WindowLimits {
  maxAgeMilliseconds: number
  maxBytes: number
}

export class Window {
  readonly #limits: WindowLimits
  readonly #queue = new NumberedQueue<{ change: RecordedChange; history: History }>()
  /** At these instants the revision was past that one; at most one every tenth of the age. */
  #marks: { time: number; revision: Revision }[] = []
  #bytes = 0

  constructor(limits: WindowLimits) {
    this.#limits = limits
  }

  add(change: RecordedChange, history: History): void {
    history.push(change)
    this.#queue.push({ change, history })
    this.#bytes += change.bytes
    const step = this.#limits.maxAgeMilliseconds / 10
    if (change.time - (this.#marks.at(-1)?.time ?? -Infinity) >= step) this.#marks.push({ time: change.time, revision: change.revision })
    this.#trim(change.time)
  }

  /** The newest revision that was overtaken longer ago than the window's age: older ones are not listed any more, as after etcd's compaction. */
  compacted(now: number): Revision {
    const dueBefore = now - this.#limits.maxAgeMilliseconds
    while (this.#marks.length > 1 && this.#marks[1]!.time <= dueBefore) this.#marks.shift()
    return this.#marks[0] && this.#marks[0].time <= dueBefore ? this.#marks[0].revision : 0
  }

  /** Changes older than this leave before their time. */
  forget(now: number, olderThanMilliseconds: number): void {
    this.#trim(now, olderThanMilliseconds)
  }

  #trim(now: number, maxAgeMilliseconds = this.#limits.maxAgeMilliseconds): void {
    while (this.#queue.first < this.#queue.end) {
      const { change, history } = this.#queue.at(this.#queue.first)
      if (this.#bytes <= this.#limits.maxBytes && now - change.time <= maxAgeMilliseconds) return
      this.#queue.shift()
      this.#bytes -= change.bytes
      history.dropOldest()
    }
  }
}
