import type { ConfigMap } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateConfigMap, validateConfigMapUpdate } from './data-validation.ts'

const size = (map: object | undefined) => Object.keys(map ?? {}).length

export const configmaps = defineResource<ConfigMap>({
  group: '', kind: 'ConfigMap', plural: 'configmaps', singular: 'configmap', shortNames: ['cm'], namespaced: true,
  ...v1('core', 'ConfigMap'),
  generation: 'none',
  validate: validateConfigMap,
  validateUpdate: validateConfigMapUpdate,
  columns: [nameColumn, text('Data', (object) => size(object.data) + size(object.binaryData)), ageColumn],
})
