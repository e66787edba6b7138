import type { ServiceAccount } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { serviceAccountWarnings } from './warnings.ts'

export const serviceaccounts = defineResource<ServiceAccount>({
  group: '', kind: 'ServiceAccount', plural: 'serviceaccounts', singular: 'serviceaccount', shortNames: ['sa'], namespaced: true,
  ...v1('core', 'ServiceAccount'),
  generation: 'none',
  warnings: serviceAccountWarnings,
  columns: [nameColumn, ageColumn],
})
