import type { SelfSubjectReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const selfsubjectreviews = defineResource<SelfSubjectReview>({
  group: 'authentication.k8s.io', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', singular: 'selfsubjectreview', namespaced: false,
  ...v1('authentication', 'SelfSubjectReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
