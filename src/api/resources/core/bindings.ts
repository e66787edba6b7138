// A binding is never kept: creating one sets a pod's node (`pods/binding` is the modern way).
import type { Binding } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { v1 } from '../common/strategy.ts'
import { plainColumns } from '../common/columns.ts'

export const bindings = defineResource<Binding>({
  group: '', kind: 'Binding', plural: 'bindings', singular: 'binding', namespaced: true,
  ...v1('core', 'Binding'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
