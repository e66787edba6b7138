import type { SelfSubjectRulesReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const selfsubjectrulesreviews = defineResource<SelfSubjectRulesReview>({
  group: 'authorization.k8s.io', kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews', singular: 'selfsubjectrulesreview', namespaced: false,
  ...v1('authorization', 'SelfSubjectRulesReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
