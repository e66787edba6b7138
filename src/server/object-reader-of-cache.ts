// Synchronous reads for authorizers and admission, straight from the cache.
import type { KubeObject, Stored } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'
import type { Cache } from './cache/types.ts'
import type { ObjectReader } from './object-reader.ts'
import { keyOf, scopeOf, storagePrefix } from './registry.ts'

export function createObjectReader(cache: Cache): ObjectReader {
  const place = (ref: ResourceRef) => ({ keyPrefix: storagePrefix(ref), definition: { namespaced: ref.namespaced } })
  return {
    get: <T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace = '') => cache.get(keyOf(place(ref), namespace, name))?.object() as Stored<T> | undefined,
    list: <T extends KubeObject>(ref: ResourceRef<T>, namespace = '') =>
      Array.from(cache.scan(scopeOf(place(ref), namespace)), (entry) => entry.object() as Stored<T>),
    onChange: <T extends KubeObject>(ref: ResourceRef<T>, listener: (before: Stored<T> | undefined, now: Stored<T> | undefined) => void) =>
      cache.onChange(storagePrefix(ref), (before, now) => listener(before?.object() as Stored<T> | undefined, now?.object() as Stored<T> | undefined)),
  }
}
