// Persistent volume claims, alone and as templates of a StatefulSet.
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types.ts'

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
}

export function defaultClaimTemplate(claim: PersistentVolumeClaim): void {
  claim.apiVersion ||= 'v1'
  claim.kind ||= 'PersistentVolumeClaim'
  claim.metadata ??= {}
  if (claim.spec) defaultClaimSpec(claim.spec)
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}
