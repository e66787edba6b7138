import type { DeviceClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateDeviceClass } from './validation.ts'

export const deviceclasses = defineResource<DeviceClass>({
  group: 'resource.k8s.io', kind: 'DeviceClass', plural: 'deviceclasses', singular: 'deviceclass', namespaced: false,
  ...v1('resource', 'DeviceClass'),
  validate: validateDeviceClass,
  storedOnly: () => 'DeviceClass is only stored yet: devices are not allocated',
  columns: [nameColumn, ageColumn],
})
