import type { SelfSubjectAccessReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const selfsubjectaccessreviews = defineResource<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews', singular: 'selfsubjectaccessreview', namespaced: false,
  ...v1('authorization', 'SelfSubjectAccessReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
