// Who depends on whom, over all kinds: for each object only what ownership needs to know.
import type { OwnerReference } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { Informer, InformerFactory } from '../../client/informer.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

export interface Node {
  readonly ref: ResourceRef
  readonly namespace: string | undefined
  readonly name: string
  readonly uid: string
  readonly owners: readonly OwnerReference[]
  readonly isDeleting: boolean
  /** It goes when its dependents have gone. */
  readonly waits: boolean
  /** It goes when its dependents have been let go. */
  readonly orphans: boolean
}

/** What informers keep of an object. */
function onlyOwnership(object: Stored): Stored {
  const { name, namespace, uid, resourceVersion, creationTimestamp, ownerReferences, finalizers, deletionTimestamp } = object.metadata
  const metadata = {
    name, uid, resourceVersion, creationTimestamp, ...(namespace ? { namespace } : {}), ...(ownerReferences?.length ? { ownerReferences } : {}),
    ...(finalizers?.length ? { finalizers } : {}), ...(deletionTimestamp ? { deletionTimestamp } : {}),
  }
  return { apiVersion: object.apiVersion, kind: object.kind, metadata }
}

export function nodeOf(ref: ResourceRef, { metadata }: Stored): Node {
  const { name, namespace, uid, ownerReferences = [], finalizers = [], deletionTimestamp } = metadata
  const isDeleting = deletionTimestamp !== undefined
  return {
    ref, namespace, name, uid, owners: ownerReferences, isDeleting,
    waits: isDeleting && finalizers.includes(foregroundFinalizer), orphans: isDeleting && finalizers.includes(orphanFinalizer),
  }
}

export class Graph {
  readonly #nodes = new Map<string, Node>()
  readonly #dependents = new Map<string, Set<string>>()
  #enqueue: (uid: string) => void = () => {}

  follow(informers: InformerFactory, refs: readonly ResourceRef[]): readonly Informer<KubeObject>[] {
    return refs.map((ref) => {
      const informer = informers.informer(ref, { keep: onlyOwnership })
      informer.onChange((before, now) => this.#change(before && nodeOf(ref, before), now && nodeOf(ref, now)))
      return informer
    })
  }

  /** `enqueue` gets the uid of each object that may have something to be done for it; at once of all that are there. */
  subscribe(enqueue: (uid: string) => void): () => void {
    this.#enqueue = enqueue
    for (const node of this.#nodes.values()) if (this.#concerns(node)) enqueue(node.uid)
    return () => (this.#enqueue = () => {})
  }

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid)
  }

  dependentsOf(uid: string): readonly Node[] {
    return Array.from(this.#dependents.get(uid) ?? [], (dependent) => this.#nodes.get(dependent)).filter((node) => node !== undefined)
  }

  #change(before: Node | undefined, now: Node | undefined): void {
    if (before) this.#forget(before)
    if (now) this.#remember(now)
    const uid = (now ?? before)!.uid
    if (!now) for (const dependent of this.#dependents.get(uid) ?? []) this.#enqueue(dependent)
    if (now?.waits && !before?.waits) for (const dependent of this.#dependents.get(uid) ?? []) this.#enqueue(dependent)
    if (now && this.#concerns(now)) this.#enqueue(uid)
    // an owner may have waited for this one
    for (const owner of [...(before?.owners ?? []), ...(now?.owners ?? [])]) if (this.#nodes.get(owner.uid)?.waits) this.#enqueue(owner.uid)
  }

  #concerns(node: Node): boolean {
    if (node.waits || node.orphans) return true
    return !node.isDeleting && node.owners.some((owner) => !this.#nodes.has(owner.uid) || this.#nodes.get(owner.uid)!.waits)
  }

  #remember(node: Node): void {
    this.#nodes.set(node.uid, node)
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid)
      if (dependents) dependents.add(node.uid)
      else this.#dependents.set(uid, new Set([node.uid]))
    }
  }

  #forget(node: Node): void {
    this.#nodes.delete(node.uid)
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid)
      dependents?.delete(node.uid)
      if (dependents?.size === 0) this.#dependents.delete(uid)
    }
  }
}
