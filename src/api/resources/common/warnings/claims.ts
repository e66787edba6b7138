// Warnings about what claims ask for (source: pkg/api/persistentvolumeclaim/util.go).
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../generated/types.ts'
import { fraction, warned, type Warnings } from './warnings.ts'

export const betaStorageClass = 'volume.beta.kubernetes.io/storage-class'
export const betaStorageClassText = 'deprecated since v1.8; use "storageClassName" attribute instead'

export function* claimSpecWarnings(field: string, spec: PersistentVolumeClaimSpec | undefined): Warnings {
  yield* fraction(`${field}.resources.requests[storage]`, spec?.resources?.requests?.storage)
  yield* fraction(`${field}.resources.limits[storage]`, spec?.resources?.limits?.storage)
}

export const claimWarnings = warned(function* ({ metadata, spec }: PersistentVolumeClaim): Warnings {
  if (metadata?.annotations?.[betaStorageClass] !== undefined) yield `metadata.annotations[${betaStorageClass}]: ${betaStorageClassText}`
  yield* claimSpecWarnings('spec', spec)
})
