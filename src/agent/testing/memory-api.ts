// The API as far as the agent's tests need it: objects in memory, with revisions and watches, and nothing that is refused.
import type { WatchEvent } from '../../api/exchange.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { apiVersionOf } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { alreadyExistsError, notFoundError } from '../../api/status-error.ts'
import type { Client, ResourceClient, SelectOptions } from '../../client/client.ts'
import { deepFreeze } from '../../client/transport.ts'

type Event = WatchEvent<Stored>
type Any = Record<string, unknown>

export interface MemoryApi {
  client: Client
  /** What an administrator does: creates or replaces, as it is. */
  put<T extends KubeObject>(ref: ResourceRef<T>, object: T): Stored<T>
  get<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string): Stored<T> | undefined
  list<T extends KubeObject>(ref: ResourceRef<T>): Stored<T>[]
  remove<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string): void
  /** Resolves as soon as `check` gives a value. */
  until<R>(check: () => R | undefined | false): Promise<R>
}

export function createMemoryApi(): MemoryApi {
  const tables = new Map<string, Map<string, Stored>>()
  const watchers = new Set<(plural: string, event: Event) => void>()
  const waiting = new Set<() => void>()
  let revision = 0

  const table = (plural: string) => tables.get(plural) ?? tables.set(plural, new Map()).get(plural)!
  const keyOf = (name: string, namespace?: string) => `${namespace ?? ''}/${name}`
  const emit = (plural: string, event: Event) => {
    for (const watcher of [...watchers]) watcher(plural, event)
    for (const check of [...waiting]) check()
  }
  const store = (ref: ResourceRef, object: KubeObject): Stored => {
    const key = keyOf(object.metadata?.name ?? '', object.metadata?.namespace)
    const before = table(ref.plural).get(key)
    const metadata = {
      uid: before?.metadata.uid ?? `uid-${ref.plural}-${++revision}`, creationTimestamp: '2026-01-01T00:00:00Z', ...object.metadata, resourceVersion: String(++revision),
    }
    const stored = deepFreeze(structuredClone({ ...object, apiVersion: apiVersionOf(ref), kind: ref.kind, metadata })) as Stored
    table(ref.plural).set(key, stored)
    emit(ref.plural, { type: before ? 'MODIFIED' : 'ADDED', object: stored })
    return stored
  }
  const drop = (ref: ResourceRef, name: string, namespace?: string) => {
    const object = table(ref.plural).get(keyOf(name, namespace))
    if (!object) throw notFoundError({ group: ref.group, resource: ref.plural }, name)
    table(ref.plural).delete(keyOf(name, namespace))
    emit(ref.plural, { type: 'DELETED', object: { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } } })
  }
  const selected = ({ fieldSelector }: SelectOptions) => (object: Stored) => {
    const [field, value] = (fieldSelector ?? '').split('=')
    if (!field) return true
    return field === 'metadata.name' ? object.metadata.name === value : (object as { spec?: { nodeName?: string } }).spec?.nodeName === value
  }

  function resource(ref: ResourceRef, namespace?: string): ResourceClient<KubeObject> {
    const within = (object: Stored) => namespace === undefined || object.metadata.namespace === namespace
    const need = (name: string) => {
      const found = table(ref.plural).get(keyOf(name, ref.namespaced ? namespace : undefined))
      if (!found) throw notFoundError({ group: ref.group, resource: ref.plural }, name)
      return found
    }
    return {
      get: async (name) => need(name),
      list: async (options = {}) => ({
        apiVersion: apiVersionOf(ref), kind: `${ref.kind}List`, metadata: { resourceVersion: String(revision) },
        items: [...table(ref.plural).values()].filter(within).filter(selected(options)),
      }),
      async *watch(options) {
        const queue: Event[] = []
        let wake = () => {}
        const matches = selected(options)
        const watcher = (plural: string, event: Event) => {
          if (plural !== ref.plural || !within(event.object) || !matches(event.object)) return
          queue.push(event)
          wake()
        }
        if (options.sendInitialEvents) {
          for (const object of table(ref.plural).values()) watcher(ref.plural, { type: 'ADDED', object })
          const end = { metadata: { resourceVersion: String(revision), annotations: { 'k8s.io/initial-events-end': 'true' } } } as unknown as Stored
          queue.push({ type: 'BOOKMARK', object: end })
        }
        watchers.add(watcher)
        options.signal.addEventListener('abort', () => wake(), { once: true })
        try {
          while (!options.signal.aborted) {
            const next = queue.shift()
            if (next) yield next as never
            else await new Promise<void>((resolve) => (wake = resolve))
          }
        } finally {
          watchers.delete(watcher)
        }
      },
      async create(object) {
        const placed = { ...object, metadata: { ...object.metadata, ...(ref.namespaced ? { namespace: object.metadata?.namespace ?? namespace } : {}) } }
        const { name = '' } = placed.metadata
        if (table(ref.plural).has(keyOf(name, placed.metadata.namespace))) throw alreadyExistsError({ group: ref.group, resource: ref.plural }, name)
        return store(ref, placed)
      },
      update: async (object) => store(ref, object),
      updateStatus: async (object) => store(ref, object),
      patch: async (name, patch) => store(ref, merged(need(name) as unknown as Any, patch as Any) as KubeObject),
      async delete(name) {
        need(name)
        drop(ref, name, ref.namespaced ? namespace : undefined)
      },
      deleteCollection: async () => {},
      createSubresource: async () => ({ status: { token: 'a-token', expirationTimestamp: '2126-01-01T00:00:00Z' } }) as never,
      getSubresource: async () => ({}) as never,
      updateSubresource: async () => ({}) as never,
    }
  }

  return {
    client: { resource: resource as unknown as Client['resource'], request: async () => ({}) as never },
    put: (ref, object) => store(ref, object) as never,
    get: (ref, name, namespace) => table(ref.plural).get(keyOf(name, namespace)) as never,
    list: (ref) => [...table(ref.plural).values()] as never,
    remove: (ref, name, namespace) => drop(ref, name, namespace),
    until(check) {
      return new Promise((resolve) => {
        const look = () => {
          const value = check()
          if (value === undefined || value === false) return
          waiting.delete(look)
          resolve(value as never)
        }
        waiting.add(look)
        look()
      })
    },
  }
}

/** A merge patch whose lists of conditions merge by type, as the strategic patches of the agent mean it. */
function merged(target: Any, patch: Any): Any {
  const result: Any = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (key === 'conditions') result[key] = mergedByType((target[key] ?? []) as Any[], value as Any[])
    else if (Array.isArray(value)) result[key] = value.filter((item: Any) => item?.['$patch'] === undefined)
    else if (typeof value === 'object') result[key] = merged((target[key] ?? {}) as Any, value as Any)
    else result[key] = value
  }
  return result
}

function mergedByType(before: readonly Any[], patches: readonly Any[]): Any[] {
  const byType = new Map(before.map((item) => [item['type'], item]))
  for (const patch of patches) byType.set(patch['type'], merged(byType.get(patch['type']) ?? {}, patch))
  return [...byType.values()]
}
