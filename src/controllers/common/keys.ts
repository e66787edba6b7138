import { splitKey, type KubeObject, type Stored } from '../../api/object.ts'
import type { Informer } from '../../client/informer.ts'

export function getByKey<T extends KubeObject>(informer: Informer<T>, key: string): Stored<T> | undefined {
  const { namespace, name } = splitKey(key)
  return informer.get(name, namespace)
}
