// Claims grow only when bound and when their class allows it (source: plugin/pkg/admission/storage/persistentvolume/resize).
import type { PersistentVolumeClaim } from '../../api/generated/types.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { storageclasses } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin } from './admission.ts'
import { currentOf, draftOf, forbid, matches } from './requests.ts'

const sizeOf = ({ spec }: PersistentVolumeClaim) => parseQuantity(spec?.resources?.requests?.storage ?? '0')
const classOf = ({ metadata, spec }: PersistentVolumeClaim) => metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''

export const createClaimResize = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PersistentVolumeClaimResize',
  handles: (request) => matches(request, { resource: 'persistentvolumeclaims', operations: ['UPDATE'] }),
  validate(request) {
    const [before, now] = [currentOf<PersistentVolumeClaim>(request), draftOf<PersistentVolumeClaim>(request)]
    if (sizeOf(now).compare(sizeOf(before)) <= 0) return
    if (before.status?.phase !== 'Bound') throw forbid(request, 'Only bound persistent volume claims can be expanded')
    const name = classOf(now)
    if (name && name === classOf(before) && reader.get(storageclasses, name)?.allowVolumeExpansion) return
    throw forbid(request, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize')
  },
})
