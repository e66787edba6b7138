// Claims that pods use and volumes that claims use stay until they are used no longer, though they were deleted: their finalizers wait.
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttributesClass } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'

export const claimFinalizer = 'kubernetes.io/pvc-protection'
export const volumeFinalizer = 'kubernetes.io/pv-protection'
export const attributesClassFinalizer = 'kubernetes.io/vac-protection'

type Protected = Stored<PersistentVolumeClaim> | Stored<PersistentVolume> | Stored<VolumeAttributesClass>
export type ProtectionStep = { do: 'setFinalizers'; object: Protected; finalizers: string[] }

interface Observed {
  object: Protected
  finalizer: string
  inUse: boolean
}

export function planProtection({ object, finalizer, inUse }: Observed): Plan<ProtectionStep> {
  const finalizers = object.metadata.finalizers ?? []
  const has = finalizers.includes(finalizer)
  if (!object.metadata.deletionTimestamp) return has ? nothingToDo : { steps: [{ do: 'setFinalizers', object, finalizers: [...finalizers, finalizer] }] }
  return has && !inUse ? { steps: [{ do: 'setFinalizers', object, finalizers: finalizers.filter((f) => f !== finalizer) }] } : nothingToDo
}

/** Pods that are over use nothing; those that never got a node and are going do not, either. */
export function usesClaim(pod: Pod, claim: string): boolean {
  if (isFinished(pod)) return false
  return claimsOf(pod).includes(claim)
}

export const claimsOf = (pod: Pod): string[] =>
  (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? (v.ephemeral ? [`${pod.metadata?.name}-${v.name}`] : []))
