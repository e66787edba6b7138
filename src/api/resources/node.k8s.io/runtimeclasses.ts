import type { RuntimeClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { deprecatedLabel } from '../common/warnings/node-labels.ts'
import { validateRuntimeClass, validateRuntimeClassUpdate } from './validation.ts'

export const runtimeclasses = defineResource<RuntimeClass>({
  group: 'node.k8s.io', kind: 'RuntimeClass', plural: 'runtimeclasses', singular: 'runtimeclass', namespaced: false,
  ...v1('node', 'RuntimeClass'),
  generation: 'none',
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validate: validateRuntimeClass,
  validateUpdate: validateRuntimeClassUpdate,
  warnings: (draft) => Object.keys(draft.scheduling?.nodeSelector ?? {}).flatMap((label) => [...deprecatedLabel('scheduling.nodeSelector', label)]),
  columns: [nameColumn, text('Handler', (object) => object.handler), ageColumn],
})
