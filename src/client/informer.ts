// A local, always current, read-only view of one kind. Objects are frozen and, in the server's process, shared with its cache.
import type { KubeObject, Stored } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'
import type { SelectOptions } from './client.ts'

/** Before the first list is complete a view knows nothing: absent and unknown differ. Check `synced` before acting on absence. */
export interface Informer<T extends KubeObject> {
  readonly synced: boolean
  /** Resolves when the view is complete for the first time. */
  whenSynced(signal?: AbortSignal): Promise<void>
  /** The newest revision seen, by event or bookmark. */
  readonly revision: number
  /** Resolves true when the view has reached `revision`, false after `deadlineMilliseconds`. */
  reached(revision: number, deadlineMilliseconds: number): Promise<boolean>
  /** Reads everything anew from the server; resolves when that is done. For writes of which nobody knows whether they happened. */
  refresh(): Promise<void>
  get(name: string, namespace?: string): Stored<T> | undefined
  list(namespace?: string): readonly Stored<T>[]
  /** Objects for which the index function gave `value`. */
  byIndex(index: string, value: string): readonly Stored<T>[]
  /** `now` is undefined for a deletion, `before` for an addition. Called for what is there already, too. @returns a function that unsubscribes. */
  onChange(listener: (before: Stored<T> | undefined, now: Stored<T> | undefined) => void): () => void
}

export interface InformerOptions<T extends KubeObject> extends SelectOptions {
  namespace?: string
  /** By name: the values under which an object is found. Added to those the informer has. */
  indexes?: Record<string, (object: Stored<T>) => readonly string[]>
  /** Makes of each object what is kept of it. Informers are shared by those who name the same function. */
  keep?: (object: Stored<T>) => Stored<T>
}

/** One informer for each (kind, namespace, selectors), shared by all who ask. */
export interface InformerFactory {
  informer<T extends KubeObject>(ref: ResourceRef<T>, options?: InformerOptions<T>): Informer<T>
  /** Ends all watches. */
  stop(): Promise<void>
}
