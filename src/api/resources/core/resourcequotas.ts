import type { ResourceQuota } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateResourceQuota, validateResourceQuotaStatus, validateResourceQuotaUpdate } from './quota-validation.ts'
import { resourceQuotaWarnings } from './warnings.ts'

const usage = (wanted: boolean) => ({ status }: ResourceQuota) =>
  Object.keys(status?.hard ?? {}).sort().filter((name) => name.startsWith('limits.') === wanted)
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`).join(', ')

export const resourcequotas = defineResource<ResourceQuota>({
  group: '', kind: 'ResourceQuota', plural: 'resourcequotas', singular: 'resourcequota', shortNames: ['quota'], namespaced: true,
  ...v1('core', 'ResourceQuota'),
  generation: 'none',
  ...statusHooks<ResourceQuota>(() => ({}), validateResourceQuotaStatus),
  validate: validateResourceQuota,
  warnings: resourceQuotaWarnings,
  validateUpdate: validateResourceQuotaUpdate,
  columns: [nameColumn, text('Request', usage(false)), text('Limit', usage(true)), ageColumn],
})
