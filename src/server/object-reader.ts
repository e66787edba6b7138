// Synchronous reads of the server's own cache, for what runs inside a request: authorizers and admission.
import type { KubeObject, Stored } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'

/** Objects are frozen. Reads answer from memory, as new as the last acknowledged write. */
export interface ObjectReader {
  get<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string): Stored<T> | undefined
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): readonly Stored<T>[]
  /** `now` is undefined for a deletion, `before` for an addition. @returns a function that unsubscribes. */
  onChange<T extends KubeObject>(ref: ResourceRef<T>, listener: (before: Stored<T> | undefined, now: Stored<T> | undefined) => void): () => void
}
