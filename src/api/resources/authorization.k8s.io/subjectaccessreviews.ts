import type { SubjectAccessReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const subjectaccessreviews = defineResource<SubjectAccessReview>({
  group: 'authorization.k8s.io', kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', singular: 'subjectaccessreview', namespaced: false,
  ...v1('authorization', 'SubjectAccessReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
