import type { ResourceSlice } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateResourceSlice, validateResourceSliceUpdate } from './validation.ts'

export const resourceslices = defineResource<ResourceSlice>({
  group: 'resource.k8s.io', kind: 'ResourceSlice', plural: 'resourceslices', singular: 'resourceslice', namespaced: false,
  ...v1('resource', 'ResourceSlice'),
  selectableFields: { 'spec.nodeName': (slice) => slice.spec.nodeName ?? '', 'spec.driver': (slice) => slice.spec.driver },
  validate: validateResourceSlice,
  validateUpdate: validateResourceSliceUpdate,
  warnings: ({ spec: { driver } }) => (driver === driver.toLowerCase() ? [] : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`]),
  storedOnly: () => 'ResourceSlice is only stored yet: devices are not allocated',
  columns: [
    nameColumn,
    text('Node', ({ spec }) => spec.nodeName ?? ''),
    text('Driver', ({ spec }) => spec.driver),
    text('Pool', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
})
