import type { LocalSubjectAccessReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const localsubjectaccessreviews = defineResource<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io', kind: 'LocalSubjectAccessReview', plural: 'localsubjectaccessreviews', singular: 'localsubjectaccessreview', namespaced: true,
  ...v1('authorization', 'LocalSubjectAccessReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
