// Who owns the claims of a member, by the set's retention policy (source: `updateClaimOwnerRefForSetAndPod`).
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { pods, statefulsets } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { canonical } from '../common/hash.ts'
import { controllerRefTo } from '../common/owner.ts'
import { isInRange, ordinalOf } from './identity.ts'

/** @returns the owners to set, or undefined when they are right, or somebody else's business. */
export function ownersOfClaim(set: Stored<StatefulSet>, pod: Stored<Pod>, claim: Stored<PersistentVolumeClaim>): OwnerReference[] | undefined {
  const owners = claim.metadata.ownerReferences ?? []
  const isOurs = ({ apiVersion, kind, name }: OwnerReference) =>
    (apiVersion === 'apps/v1' && kind === 'StatefulSet' && name === set.metadata.name) || (apiVersion === 'v1' && kind === 'Pod' && name === pod.metadata.name)
  // an owner of an earlier life will take the claim with it
  if (owners.some((owner) => isOurs(owner) && owner.uid !== set.metadata.uid && owner.uid !== pod.metadata.uid)) return undefined
  const others = owners.filter((owner) => !isOurs(owner))
  const wanted = [...others, ...(others.some((owner) => owner.controller) ? [] : wantedOwners(set, pod))]
  return canonical(wanted) === canonical(owners) ? undefined : wanted
}

function wantedOwners(set: Stored<StatefulSet>, pod: Stored<Pod>): OwnerReference[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {}
  const scaledDown = !isInRange(set, ordinalOf(set, pod))
  if (whenScaled === 'Delete' && scaledDown) return [controllerRefTo(pod, pods as ResourceRef)]
  return whenDeleted === 'Delete' ? [controllerRefTo(set, statefulsets as ResourceRef)] : []
}
