// What an informer knows: objects by key and by index, and who wants to hear of changes. Iteration order is that of arrival.
import { namespacedName, objectKey, type KubeObject, type Stored } from '../api/object.ts'

export type ChangeListener<T extends KubeObject> = (before: Stored<T> | undefined, now: Stored<T> | undefined) => void
export type IndexFunction<T extends KubeObject> = (object: Stored<T>) => readonly string[]

interface Index<T extends KubeObject> {
  of: IndexFunction<T>
  keys: Map<string, Set<string>>
}

const byNamespace = 'namespace'

export class InformerStore<T extends KubeObject> {
  readonly #objects = new Map<string, Stored<T>>()
  readonly #indexes = new Map<string, Index<T>>()
  readonly #listeners = new Set<ChangeListener<T>>()
  readonly #onListenerError: (error: unknown) => void

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError
    this.addIndex(byNamespace, (object) => [object.metadata.namespace ?? ''])
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { of, keys: new Map() }
    this.#indexes.set(name, index)
    for (const [key, object] of this.#objects) put(index, key, object)
  }

  get(name: string, namespace?: string): Stored<T> | undefined {
    return this.#objects.get(namespacedName(namespace, name))
  }

  list(namespace?: string): readonly Stored<T>[] {
    return namespace ? this.byIndex(byNamespace, namespace) : [...this.#objects.values()]
  }

  byIndex(name: string, value: string): readonly Stored<T>[] {
    const index = this.#indexes.get(name)
    if (!index) throw new Error(`no index ${name}`)
    return Array.from(index.keys.get(value) ?? [], (key) => this.#objects.get(key)!)
  }

  /** Takes an object that was added or has changed. */
  set(object: Stored<T>): void {
    const key = objectKey(object)
    const before = this.#objects.get(key)
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion && before.metadata.uid === object.metadata.uid) return
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) {
      if (before) take(index, key, before)
      put(index, key, object)
    }
    if (before && before.metadata.uid !== object.metadata.uid) {
      this.#announce(before, undefined)
      this.#announce(undefined, object)
    } else this.#announce(before, object)
  }

  /** `last` is the object's last state, where it is known. */
  remove(key: string, last?: Stored<T>): void {
    const before = this.#objects.get(key)
    if (!before) return
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) take(index, key, before)
    this.#announce(last?.metadata.uid === before.metadata.uid ? last : before, undefined)
  }

  /** Makes exactly `objects` the content. */
  replace(objects: ReadonlyMap<string, Stored<T>>): void {
    for (const key of [...this.#objects.keys()]) if (!objects.has(key)) this.remove(key)
    for (const object of objects.values()) this.set(object)
  }

  subscribe(listener: ChangeListener<T>): () => void {
    // a wrapper, so that one function may be given twice
    const own: ChangeListener<T> = (before, now) => listener(before, now)
    this.#listeners.add(own)
    for (const object of [...this.#objects.values()]) this.#tell(own, undefined, object)
    return () => void this.#listeners.delete(own)
  }

  #announce(before: Stored<T> | undefined, now: Stored<T> | undefined): void {
    for (const listener of this.#listeners) this.#tell(listener, before, now)
  }

  #tell(listener: ChangeListener<T>, before: Stored<T> | undefined, now: Stored<T> | undefined): void {
    try {
      listener(before, now)
    } catch (error) {
      this.#onListenerError(error)
    }
  }
}

function put<T extends KubeObject>(index: Index<T>, key: string, object: Stored<T>): void {
  for (const value of index.of(object)) {
    const keys = index.keys.get(value)
    if (keys) keys.add(key)
    else index.keys.set(value, new Set([key]))
  }
}

function take<T extends KubeObject>(index: Index<T>, key: string, object: Stored<T>): void {
  for (const value of index.of(object)) {
    const keys = index.keys.get(value)
    keys?.delete(key)
    if (keys?.size === 0) index.keys.delete(value)
  }
}
