import type { StorageClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, defaultableName, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateStorageClass, validateStorageClassUpdate } from './validation.ts'
import { storageClassWarnings } from './warnings.ts'

export const storageclasses = defineResource<StorageClass>({
  group: 'storage.k8s.io', kind: 'StorageClass', plural: 'storageclasses', singular: 'storageclass', shortNames: ['sc'], namespaced: false,
  ...v1('storage', 'StorageClass'),
  generation: 'none',
  defaults(draft) {
    draft.reclaimPolicy ??= 'Delete'
    draft.volumeBindingMode ??= 'Immediate'
  },
  validate: validateStorageClass,
  warnings: storageClassWarnings,
  validateUpdate: validateStorageClassUpdate,
  storedOnly: ({ provisioner }) => (provisioner === 'kubernetes.io/no-provisioner' ? undefined : 'StorageClass is only stored yet: no volume is provisioned'),
  columns: [
    defaultableName('storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'),
    text('Provisioner', (object) => object.provisioner),
    text('ReclaimPolicy', (object) => object.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', (object) => object.volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', (object) => object.allowVolumeExpansion ?? false),
    ageColumn,
  ],
})
