// An ObjectReader over objects that a test puts into it.
import { objectKey } from '../../api/object.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { ObjectReader } from '../object-reader.ts'

type Listener = (before: Stored | undefined, now: Stored | undefined) => void

export interface FakeObjectReader extends ObjectReader {
  /** Adds or replaces; gives a uid (`uid-NAME`), a revision and a creation time where there are none. @returns what is stored. */
  put<T extends KubeObject>(ref: ResourceRef<T>, object: T): Stored<T>
  remove<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string): void
}

export function createFakeObjectReader(): FakeObjectReader {
  const kinds = new Map<string, { objects: Map<string, Stored>; listeners: Set<Listener> }>()
  let revision = 0
  const kind = ({ group, plural }: ResourceRef) => {
    const key = `${plural}.${group}`
    const known = kinds.get(key) ?? { objects: new Map<string, Stored>(), listeners: new Set<Listener>() }
    kinds.set(key, known)
    return known
  }
  const change = (ref: ResourceRef, key: string, now: Stored | undefined) => {
    const { objects, listeners } = kind(ref)
    const before = objects.get(key)
    if (now) objects.set(key, now)
    else objects.delete(key)
    for (const listener of listeners) listener(before, now)
  }
  const keyOf = (name: string, namespace?: string) => (namespace ? `${namespace}/${name}` : name)
  return {
    get: <T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string) => kind(ref).objects.get(keyOf(name, namespace)) as Stored<T> | undefined,
    list: <T extends KubeObject>(ref: ResourceRef<T>, namespace?: string) =>
      [...kind(ref).objects.values()].filter((object) => !namespace || object.metadata.namespace === namespace) as Stored<T>[],
    onChange(ref, listener) {
      kind(ref).listeners.add(listener as Listener)
      return () => void kind(ref).listeners.delete(listener as Listener)
    },
    put<T extends KubeObject>(ref: ResourceRef<T>, object: T) {
      const metadata = { uid: `uid-${object.metadata?.name}`, creationTimestamp: '2026-01-01T00:00:00Z', ...object.metadata, name: object.metadata?.name ?? '', resourceVersion: String(++revision) }
      const stored = { apiVersion: ref.group ? `${ref.group}/${ref.version}` : ref.version, kind: ref.kind, ...object, metadata } as Stored<T>
      change(ref, objectKey(stored), stored)
      return stored
    },
    remove: (ref, name, namespace) => change(ref, keyOf(name, namespace), undefined),
  }
}
