import type { VolumeAttachment } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, boolean, nameColumn, text } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validateVolumeAttachment, validateVolumeAttachmentUpdate } from './validation.ts'

export const volumeattachments = defineResource<VolumeAttachment>({
  group: 'storage.k8s.io', kind: 'VolumeAttachment', plural: 'volumeattachments', singular: 'volumeattachment', namespaced: false,
  ...v1('storage', 'VolumeAttachment'),
  generation: 'none',
  allowUnconditionalUpdate: false,
  ...statusHooks<VolumeAttachment>(() => ({ attached: false })),
  subresources: { status: statusOnly() },
  validate: validateVolumeAttachment,
  validateUpdate: validateVolumeAttachmentUpdate,
  storedOnly: () => 'VolumeAttachment is only stored yet: nothing is attached',
  columns: [
    nameColumn,
    { ...text('Attacher', ({ spec }) => spec.attacher), format: 'name' },
    text('PV', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    text('Node', ({ spec }) => spec.nodeName),
    boolean('Attached', ({ status }) => status?.attached ?? false),
    ageColumn,
  ],
})
