import type { PersistentVolumeClaim } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { accessModesText } from '../common/access-modes.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { defaultClaimSpec, normalizeDataSources } from '../common/claims.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateClaim, validateClaimStatus, validateClaimUpdate } from './volume-validation.ts'
import { claimWarnings } from '../common/warnings/claims.ts'

const betaClass = 'volume.beta.kubernetes.io/storage-class'
const whenBound = (read: (claim: PersistentVolumeClaim) => string) => (claim: PersistentVolumeClaim) => (claim.spec?.volumeName ? read(claim) : '')

const status = statusHooks<PersistentVolumeClaim>(() => ({ phase: 'Pending' }), validateClaimStatus)

export const persistentvolumeclaims = defineResource<PersistentVolumeClaim>({
  group: '', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', singular: 'persistentvolumeclaim', shortNames: ['pvc'], namespaced: true,
  ...v1('core', 'PersistentVolumeClaim'),
  generation: 'none',
  ...status,
  prepareForCreate(draft) {
    status.prepareForCreate(draft)
    if (draft.spec) normalizeDataSources(draft.spec)
  },
  prepareForUpdate(draft, current) {
    status.prepareForUpdate(draft, current)
    if (draft.spec) normalizeDataSources(draft.spec, current.spec)
  },
  defaults({ spec }) {
    if (spec) defaultClaimSpec(spec)
  },
  validate: validateClaim,
  warnings: claimWarnings,
  validateUpdate: validateClaimUpdate,
  selectableFields: { name: (claim) => claim.metadata?.name ?? '' },
  columns: [
    nameColumn,
    text('Status', (claim) => (claim.metadata?.deletionTimestamp ? 'Terminating' : (claim.status?.phase ?? ''))),
    text('Volume', (claim) => claim.spec?.volumeName ?? ''),
    text('Capacity', whenBound((claim) => claim.status?.capacity?.storage ?? '0')),
    text('Access Modes', whenBound((claim) => accessModesText(claim.status?.accessModes))),
    text('StorageClass', (claim) => claim.metadata?.annotations?.[betaClass] ?? claim.spec?.storageClassName ?? ''),
    text('VolumeAttributesClass', (claim) => claim.spec?.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    wide(text('VolumeMode', (claim) => claim.spec?.volumeMode ?? '<unset>')),
  ],
})
