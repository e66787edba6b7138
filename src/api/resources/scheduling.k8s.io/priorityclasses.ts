import type { PriorityClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, boolean, integer, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validatePriorityClass, validatePriorityClassUpdate } from './validation.ts'

export const priorityclasses = defineResource<PriorityClass>({
  group: 'scheduling.k8s.io', kind: 'PriorityClass', plural: 'priorityclasses', singular: 'priorityclass', shortNames: ['pc'], namespaced: false,
  ...v1('scheduling', 'PriorityClass'),
  prepareForCreate(draft) {
    if (draft.metadata) draft.metadata.generation = 1
  },
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate: validatePriorityClass,
  validateUpdate: validatePriorityClassUpdate,
  columns: [
    nameColumn,
    integer('Value', (object) => object.value ?? 0),
    boolean('Global-Default', (object) => object.globalDefault ?? false),
    ageColumn,
    text('PreemptionPolicy', (object) => object.preemptionPolicy ?? ''),
  ],
})
