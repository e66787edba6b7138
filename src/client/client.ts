// The only way in which controllers, scheduler, agent and proxy reach state. Implementations: over HTTP and over the loopback.
import type { WatchEvent } from '../api/exchange.ts'
import type { DeleteOptions } from '../api/generated/types.ts'
import type { KubeList, KubeObject, Stored } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'

interface ReadOptions {
  resourceVersion?: string
}

export interface SelectOptions {
  /** As in `app=web,tier!=cache`. */
  labelSelector?: string
  fieldSelector?: string
}

export interface ListOptions extends ReadOptions, SelectOptions {
  resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  limit?: number
  continue?: string
}

export interface WatchOptions extends SelectOptions {
  resourceVersion?: string
  sendInitialEvents?: boolean
  allowWatchBookmarks?: boolean
  timeoutSeconds?: number
  signal: AbortSignal
}

export interface WriteOptions {
  fieldManager?: string
  dryRun?: boolean
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface PatchOptions extends WriteOptions {
  type: PatchType
  subresource?: string
  /** Only with `apply`. */
  force?: boolean
}

/** Verbs on one kind, in one namespace where it has one. Every method rejects with `StatusError`. Objects returned are frozen. */
export interface ResourceClient<T extends KubeObject> {
  get(name: string, options?: ReadOptions): Promise<Stored<T>>
  list(options?: ListOptions): Promise<KubeList<Stored<T>>>
  watch(options: WatchOptions): AsyncIterable<WatchEvent<Stored<T>>>
  create(object: T, options?: WriteOptions): Promise<Stored<T>>
  update(object: T, options?: WriteOptions): Promise<Stored<T>>
  updateStatus(object: T, options?: WriteOptions): Promise<Stored<T>>
  /** `patch` is an array for `json`, else an object. */
  patch(name: string, patch: unknown, options: PatchOptions): Promise<Stored<T>>
  delete(name: string, options?: DeleteOptions): Promise<void>
  deleteCollection(options?: DeleteOptions, select?: SelectOptions): Promise<void>
  /** POSTs `body` to a subresource such as `binding`, `eviction`, `token`. */
  createSubresource<R = unknown>(name: string, subresource: string, body: unknown): Promise<R>
  getSubresource<R = unknown>(name: string, subresource: string): Promise<R>
  updateSubresource<R = unknown>(name: string, subresource: string, body: unknown): Promise<R>
}

export interface Client {
  /** Without a namespace a namespaced kind is read over all namespaces; a write takes the object's own. */
  resource<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): ResourceClient<T>
  /** A request outside resources, such as `/version` or a dynamic path; resolves with the parsed answer. */
  request<R = unknown>(method: string, path: string, body?: unknown): Promise<R>
}
