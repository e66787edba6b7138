import type { ResourceClaimTemplate } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateResourceClaimTemplate, validateResourceClaimTemplateUpdate } from './validation.ts'
import { defaultClaimSpec } from './device-requests.ts'

export const resourceclaimtemplates = defineResource<ResourceClaimTemplate>({
  group: 'resource.k8s.io', kind: 'ResourceClaimTemplate', plural: 'resourceclaimtemplates', singular: 'resourceclaimtemplate', namespaced: true,
  ...v1('resource', 'ResourceClaimTemplate'),
  generation: 'none',
  defaults({ spec }) {
    if (!spec) return
    spec.metadata ??= {}
    defaultClaimSpec(spec.spec)
  },
  validate: validateResourceClaimTemplate,
  validateUpdate: validateResourceClaimTemplateUpdate,
  storedOnly: () => 'ResourceClaimTemplate is only stored yet: devices are not allocated',
  columns: [nameColumn, ageColumn],
})
