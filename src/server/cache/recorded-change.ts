import type { Revision } from '../../storage/storage.ts'
import type { ByteBudget, Forgetful } from './byte-budget.ts'
import type { CachedEntry } from './entry.ts'
import type { CacheEvent, Entry, Selection, WatchBatch } from './types.ts'

type ObjectEvent = Exclude<CacheEvent, { type: 'BOOKMARK' }>

/** Beside the values: entry, index, record. */
const overhead = 512

/** One change of a collection, and the events it can be for watchers, made once for all of them. */
export class RecordedChange {
  readonly revision: Revision
  /** Monotonic. */
  readonly time: number
  readonly previous: CachedEntry | undefined
  readonly now: CachedEntry | undefined
  /** The last value under this change's revision; for a deletion, and for watchers whose selection the object leaves. */
  readonly #gone: () => CachedEntry
  readonly #budget: ByteBudget
  readonly #events = new Map<ObjectEvent['type'], ObjectEvent>()

  constructor(of: { revision: Revision; time: number; previous?: CachedEntry; now?: CachedEntry; gone: () => CachedEntry; budget: ByteBudget }) {
    this.revision = of.revision
    this.time = of.time
    this.previous = of.previous
    this.now = of.now
    this.#gone = of.gone
    this.#budget = of.budget
  }

  get key(): string {
    return (this.now ?? this.previous)!.key
  }

  /** What only the window keeps alive. */
  get bytes(): number {
    return overhead + (this.previous?.value.length ?? 0)
  }

  /** What a watcher with this selection sees; undefined for nothing. */
  eventFor(selection: Selection | undefined): ObjectEvent | undefined {
    const before = this.previous && (!selection || selection(this.previous))
    const after = this.now && (!selection || selection(this.now))
    if (after) return this.#event(before ? 'MODIFIED' : 'ADDED')
    return before ? this.#event('DELETED') : undefined
  }

  #event(type: ObjectEvent['type']): ObjectEvent {
    const made = this.#events.get(type)
    if (made) return made
    const event = new SharedEvent(type, type === 'DELETED' ? this.#gone() : this.now!, { previous: this.previous, revision: this.revision, budget: this.#budget })
    this.#events.set(type, event)
    return event
  }
}

class SharedEvent implements Forgetful {
  readonly type: ObjectEvent['type']
  readonly entry: Entry
  readonly previous: Entry | undefined
  readonly revision: Revision
  readonly #budget: ByteBudget
  #served: Map<string, Buffer> | undefined

  constructor(type: ObjectEvent['type'], entry: Entry, about: { previous: Entry | undefined; revision: Revision; budget: ByteBudget }) {
    this.type = type
    this.entry = entry
    this.previous = about.previous
    this.revision = about.revision
    this.#budget = about.budget
  }

  served(form: string, encode: (event: CacheEvent) => Buffer): Buffer {
    const kept = this.#served?.get(form)
    if (kept) return kept
    const bytes = encode(this)
    this.#served ??= new Map()
    this.#served.set(form, bytes)
    this.#budget.add(this, bytes.length)
    return bytes
  }

  forget(): void {
    this.#served = undefined
  }
}

/** An object that is there when a watch begins. Its bytes are remembered with the entry. */
export const initialEvent = (entry: Entry): ObjectEvent => {
  const event: ObjectEvent = {
    type: 'ADDED', entry, previous: undefined, revision: entry.revision,
    served: (form, encode) => entry.served(`ADDED ${form}`, () => encode(event)),
  }
  return event
}

/** A batch for one or many watchers. */
export class Batch implements WatchBatch {
  readonly events: readonly CacheEvent[]
  #served: { form: string; bytes: Buffer } | undefined

  constructor(events: readonly CacheEvent[]) {
    this.events = events
  }

  served(form: string, encode: (event: CacheEvent) => Buffer): Buffer {
    if (this.#served?.form !== form) this.#served = { form, bytes: this.#join(form, encode) }
    return this.#served.bytes
  }

  #join(form: string, encode: (event: CacheEvent) => Buffer): Buffer {
    const each = this.events.map((event) => (event.type === 'BOOKMARK' ? encode(event) : event.served(form, encode)))
    return each.length === 1 ? each[0]! : Buffer.concat(each)
  }
}
