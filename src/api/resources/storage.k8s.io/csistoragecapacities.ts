import type { CSIStorageCapacity } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateCsiStorageCapacity, validateCsiStorageCapacityUpdate } from './validation.ts'
import { capacityWarnings } from './warnings.ts'

export const csistoragecapacities = defineResource<CSIStorageCapacity>({
  group: 'storage.k8s.io', kind: 'CSIStorageCapacity', plural: 'csistoragecapacities', singular: 'csistoragecapacity', namespaced: true,
  ...v1('storage', 'CSIStorageCapacity'),
  generation: 'none',
  allowUnconditionalUpdate: false,
  validate: validateCsiStorageCapacity,
  warnings: capacityWarnings,
  validateUpdate: validateCsiStorageCapacityUpdate,
  storedOnly: () => 'CSIStorageCapacity is only stored yet: the scheduler does not look at it',
  columns: plainColumns,
})
