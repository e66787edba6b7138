import type { TokenReview } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'

/** Answered, never kept. */
export const tokenreviews = defineResource<TokenReview>({
  group: 'authentication.k8s.io', kind: 'TokenReview', plural: 'tokenreviews', singular: 'tokenreview', namespaced: false,
  ...v1('authentication', 'TokenReview'),
  verbs: ['create'],
  generation: 'none',
  columns: plainColumns,
})
