import type { KubeObject, Stored } from '../../api/object.ts'
import type { Revision } from '../../storage/storage.ts'
import type { ByteBudget, Forgetful } from './byte-budget.ts'
import type { Entry, EntryIndex } from './types.ts'

/** What entries of one collection share. */
export interface EntryContext {
  decode(value: Buffer): KubeObject
  readonly budget: ByteBudget
}

/** A parsed object takes about twice its JSON (measured on pods). */
const parsedFactor = 2

export class CachedEntry implements Entry, Forgetful {
  readonly key: string
  readonly revision: Revision
  readonly value: Buffer
  index: EntryIndex = {}
  readonly #context: EntryContext
  /** Strong while in the budget; afterwards weak, so that whoever still holds the object and whoever asks again share it. */
  #object: Stored | WeakRef<Stored> | undefined
  #served: Map<string, Buffer> | undefined

  constructor(row: { key: string; revision: Revision; value: Buffer }, context: EntryContext) {
    this.key = row.key
    this.revision = row.revision
    this.value = row.value
    this.#context = context
  }

  object(): Stored {
    const kept = this.#object instanceof WeakRef ? this.#object.deref() : this.#object
    if (kept === undefined) return this.adopt(this.#context.decode(this.value))
    if (this.#object === kept) this.#context.budget.touch(this)
    else this.#keep(kept)
    return kept
  }

  /** Takes `object` as what `value` decodes to. */
  adopt(object: KubeObject): Stored {
    const stored = frozen(object, this.revision)
    this.#keep(stored)
    return stored
  }

  /** An object that is not remembered; for a look in passing. */
  peek(): Stored {
    const kept = this.#object instanceof WeakRef ? this.#object.deref() : this.#object
    return kept ?? frozen(this.#context.decode(this.value), this.revision)
  }

  served(form: string, encode: (entry: Entry) => Buffer): Buffer {
    const kept = this.#served?.get(form)
    if (kept) {
      this.#context.budget.touch(this)
      return kept
    }
    const bytes = encode(this)
    this.#served ??= new Map()
    this.#served.set(form, bytes)
    this.#context.budget.add(this, bytes.length)
    return bytes
  }

  forget(): void {
    if (this.#object && !(this.#object instanceof WeakRef)) this.#object = new WeakRef(this.#object)
    this.#served = undefined
  }

  #keep(object: Stored): void {
    this.#object = object
    this.#context.budget.add(this, this.value.length * parsedFactor)
  }
}

function frozen(object: KubeObject, revision: Revision): Stored {
  object.metadata ??= {}
  object.metadata.resourceVersion = String(revision)
  return deepFreeze(object) as Stored
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const key in value) deepFreeze(value[key])
  return Object.freeze(value)
}
