import type { ServiceAccount } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { serviceAccountWarnings } from './warnings.ts'

function onlySecretNames(draft: ServiceAccount): void {
  if (draft.secrets) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}

export const serviceaccounts = defineResource<ServiceAccount>({
  group: '', kind: 'ServiceAccount', plural: 'serviceaccounts', singular: 'serviceaccount', shortNames: ['sa'], namespaced: true,
  ...v1('core', 'ServiceAccount'),
  generation: 'none',
  prepareForCreate: onlySecretNames,
  prepareForUpdate: onlySecretNames,
  warnings: serviceAccountWarnings,
  columns: [nameColumn, ageColumn],
})
