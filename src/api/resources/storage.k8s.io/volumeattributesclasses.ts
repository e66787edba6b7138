import type { VolumeAttributesClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateVolumeAttributesClass, validateVolumeAttributesClassUpdate } from './validation.ts'

export const volumeattributesclasses = defineResource<VolumeAttributesClass>({
  group: 'storage.k8s.io', kind: 'VolumeAttributesClass', plural: 'volumeattributesclasses', singular: 'volumeattributesclass', shortNames: ['vac'], namespaced: false,
  ...v1('storage', 'VolumeAttributesClass'),
  generation: 'none',
  validate: validateVolumeAttributesClass,
  validateUpdate: validateVolumeAttributesClassUpdate,
  storedOnly: () => 'VolumeAttributesClass is only stored yet: no volume is modified',
  columns: [nameColumn, text('DriverName', (object) => object.driverName), ageColumn],
})
