import type { PersistentVolume } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { accessModesText } from '../common/access-modes.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { defaultSharedSources } from '../common/pod-spec/volume-defaults.ts'
import { keepSpec, keepStatus, v1 } from '../common/strategy.ts'
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './volume-validation.ts'
import { volumeWarnings } from './warnings.ts'

const betaClass = 'volume.beta.kubernetes.io/storage-class'

export const persistentvolumes = defineResource<PersistentVolume>({
  group: '', kind: 'PersistentVolume', plural: 'persistentvolumes', singular: 'persistentvolume', shortNames: ['pv'], namespaced: false,
  ...v1('core', 'PersistentVolume'),
  generation: 'none',
  prepareForCreate(draft, { now }) {
    draft.status = { phase: 'Pending', lastPhaseTransitionTime: now }
  },
  prepareForUpdate: keepStatus,
  subresources: {
    status: {
      prepareForUpdate(draft, current, { now }) {
        keepSpec(draft, current)
        if (draft.status && draft.status.phase !== current.status?.phase) draft.status.lastPhaseTransitionTime ??= now
      },
    },
  },
  defaults({ spec }) {
    if (!spec) return
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    defaultSharedSources(spec)
  },
  validate: validatePersistentVolume,
  warnings: volumeWarnings,
  validateUpdate: validatePersistentVolumeUpdate,
  selectableFields: { name: (volume) => volume.metadata?.name ?? '' },
  storedOnly: ({ spec }) => (spec && ['hostPath', 'local', 'nfs'].some((source) => source in spec) ? undefined : 'PersistentVolume is only stored yet: pods mount hostPath, local and nfs volumes alone'),
  columns: [
    nameColumn,
    text('Capacity', (volume) => volume.spec?.capacity?.storage ?? '0'),
    text('Access Modes', (volume) => accessModesText(volume.spec?.accessModes)),
    text('Reclaim Policy', (volume) => volume.spec?.persistentVolumeReclaimPolicy ?? ''),
    text('Status', (volume) => (volume.metadata?.deletionTimestamp ? 'Terminating' : (volume.status?.phase ?? ''))),
    text('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '')),
    text('StorageClass', (volume) => volume.metadata?.annotations?.[betaClass] ?? volume.spec?.storageClassName ?? ''),
    text('VolumeAttributesClass', (volume) => volume.spec?.volumeAttributesClassName ?? '<unset>'),
    text('Reason', (volume) => volume.status?.reason ?? ''),
    ageColumn,
    wide(text('VolumeMode', (volume) => volume.spec?.volumeMode ?? '<unset>')),
  ],
})
