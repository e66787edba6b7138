import type { CSINode } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateCsiNode, validateCsiNodeUpdate } from './validation.ts'

export const csinodes = defineResource<CSINode>({
  group: 'storage.k8s.io', kind: 'CSINode', plural: 'csinodes', singular: 'csinode', namespaced: false,
  ...v1('storage', 'CSINode'),
  generation: 'none',
  allowUnconditionalUpdate: false,
  validate: validateCsiNode,
  validateUpdate: validateCsiNodeUpdate,
  storedOnly: () => 'CSINode is only stored yet: CSI volumes are not mounted',
  columns: [nameColumn, integer('Drivers', ({ spec }) => (spec.drivers ?? []).length), ageColumn],
})
