// Who owns what: controller references, and taking in or letting go of objects by a selector.
import type { OwnerReference } from '../../api/generated/types.ts'
import { apiVersionOf, type KubeObject, type Stored } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { LabelSelector } from '../../api/selector.ts'
import { StatusError } from '../../api/status-error.ts'
import type { ExecutionContext } from '../../controller/definition.ts'

export const controllerOf = (object: KubeObject): OwnerReference | undefined => object.metadata?.ownerReferences?.find((owner) => owner.controller)

/** As upstream's `NewControllerRef`. */
export const controllerRefTo = (owner: Stored, ref: ResourceRef): OwnerReference => ({
  apiVersion: apiVersionOf(ref), kind: ref.kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true,
})

export const isDeleting = (object: KubeObject): boolean => object.metadata?.deletionTimestamp !== undefined

/** The name of an index by which dependents are found: under their controller's uid, orphans under `orphans/<namespace>`. */
export const byController = 'controller'
export const orphansOf = (namespace: string | undefined): string => `orphans/${namespace ?? ''}`
export const controllerIndex = {
  [byController]: (object: KubeObject): readonly string[] => [controllerOf(object)?.uid ?? orphansOf(object.metadata?.namespace)],
}

interface Claims<T> {
  /** Under control and to stay so, adopted ones included. */
  mine: readonly T[]
  adopt: readonly T[]
  release: readonly T[]
}

/** Which of `candidates` (dependents and orphans) `owner` has, takes in and lets go (source: controller_ref_manager.go). */
export function claim<T extends Stored>(owner: Stored, selector: LabelSelector, candidates: readonly T[]): Claims<T> {
  const mine: T[] = []
  const adopt: T[] = []
  const release: T[] = []
  for (const candidate of candidates) {
    const controller = controllerOf(candidate)
    const matches = selector.matches(candidate.metadata.labels)
    if (controller && controller.uid !== owner.metadata.uid) continue
    if (controller && matches) mine.push(candidate)
    else if (controller) {
      if (!isDeleting(owner)) release.push(candidate)
    } else if (matches && !isDeleting(owner) && !isDeleting(candidate)) {
      adopt.push(candidate)
      mine.push(candidate)
    }
  }
  return { mine, adopt, release }
}

export type ClaimStep =
  | { do: 'adopt'; ref: ResourceRef; object: Stored; owner: Stored; ownerRef: ResourceRef; finalizer?: string }
  | { do: 'release'; ref: ResourceRef; object: Stored; owner: Stored; finalizer?: string }

/** @param finalizer comes with adoption and goes with release. */
export function claimSteps(claims: Claims<Stored>, ref: ResourceRef, owner: Stored, ownerRef: ResourceRef, finalizer?: string): ClaimStep[] {
  return [
    ...claims.adopt.map((object): ClaimStep => ({ do: 'adopt', ref, object, owner, ownerRef, finalizer })),
    ...claims.release.map((object): ClaimStep => ({ do: 'release', ref, object, owner, finalizer })),
  ]
}

const sourceOf = ({ ref, object }: { ref: ResourceRef; object: Stored }, { client }: ExecutionContext) => client.resource(ref, object.metadata.namespace)

export const claimExecutors = {
  /** The owner is read live first: one that is being deleted must not take in anything. */
  async adopt(step: Extract<ClaimStep, { do: 'adopt' }>, context: ExecutionContext): Promise<void> {
    const { owner, ownerRef, object, finalizer } = step
    const fresh = await context.client.resource(ownerRef, owner.metadata.namespace).get(owner.metadata.name)
    if (fresh.metadata.uid !== owner.metadata.uid) throw new Error(`original ${owner.kind} ${owner.metadata.namespace}/${owner.metadata.name} is gone`)
    if (isDeleting(fresh)) throw new Error(`${owner.metadata.namespace}/${owner.metadata.name} has just been deleted at ${fresh.metadata.deletionTimestamp}`)
    const finalizers = finalizer ? { finalizers: [finalizer] } : {}
    const patch = { metadata: { ownerReferences: [controllerRefTo(owner, ownerRef)], uid: object.metadata.uid, ...finalizers } }
    await sourceOf(step, context).patch(object.metadata.name, patch, { type: 'strategic' })
  },
  async release(step: Extract<ClaimStep, { do: 'release' }>, context: ExecutionContext): Promise<void> {
    const { object, owner, finalizer } = step
    const finalizers = finalizer ? { '$deleteFromPrimitiveList/finalizers': [finalizer] } : {}
    const patch = { metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }], ...finalizers } }
    await sourceOf(step, context).patch(object.metadata.name, patch, { type: 'strategic' }).catch(unlessGone)
  },
}

/** For what is gone already, which is as good. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof StatusError && (error.code === 404 || error.code === 422)) return undefined
  throw error
}

/** For what is gone already, or another object of the same name by now. */
export function unlessReplaced(error: unknown): undefined {
  if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return undefined
  throw error
}
