import type { CSIDriver } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, boolean, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateCsiDriver, validateCsiDriverUpdate } from './validation.ts'
import { csiDriverWarnings } from './warnings.ts'

export const csidrivers = defineResource<CSIDriver>({
  group: 'storage.k8s.io', kind: 'CSIDriver', plural: 'csidrivers', singular: 'csidriver', namespaced: false,
  ...v1('storage', 'CSIDriver'),
  generation: 'none',
  allowUnconditionalUpdate: false,
  defaults({ spec }) {
    if (!spec) return
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  validate: validateCsiDriver,
  warnings: csiDriverWarnings,
  validateUpdate: validateCsiDriverUpdate,
  storedOnly: () => 'CSIDriver is only stored yet: CSI volumes are not mounted',
  columns: [
    nameColumn,
    boolean('AttachRequired', ({ spec }) => spec.attachRequired ?? true),
    boolean('PodInfoOnMount', ({ spec }) => spec.podInfoOnMount ?? false),
    boolean('StorageCapacity', ({ spec }) => spec.storageCapacity ?? false),
    text('TokenRequests', ({ spec }) => (spec.tokenRequests ? spec.tokenRequests.map((t) => t.audience).join(',') : '<unset>')),
    boolean('RequiresRepublish', ({ spec }) => spec.requiresRepublish ?? false),
    text('Modes', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
})
