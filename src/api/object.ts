// What every Kubernetes object has. Types of single kinds are generated (`generated/types.ts`) from upstream's models.
import type { ListMeta, ObjectMeta } from './generated/types.ts'

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
}

export interface KubeList<T = KubeObject> {
  apiVersion: string
  kind: string
  metadata: ListMeta
  items: T[]
}

/** As the status of many kinds lists them. */
export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

/** An object as the API server serves it: the fields it always sets are there. */
export type Stored<T extends KubeObject = KubeObject> = T & {
  apiVersion: string
  kind: string
  metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string; creationTimestamp: string }
}

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** `v1` for the core group, else `group/version`. */
export const apiVersionOf = ({ group, version }: { group: string; version: string }): string => (group === '' ? version : `${group}/${version}`)

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

/** `namespace/name`, or `name` where there is no namespace: the key of informers and work queues. */
export const objectKey = (object: KubeObject): string => namespacedName(object.metadata?.namespace, object.metadata?.name ?? '')

export const namespacedName = (namespace: string | undefined, name: string): string => (namespace ? `${namespace}/${name}` : name)

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
