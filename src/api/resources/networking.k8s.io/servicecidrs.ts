import type { ServiceCIDR } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validateServiceCidr, validateServiceCidrUpdate } from './validation.ts'

export const servicecidrs = defineResource<ServiceCIDR>({
  group: 'networking.k8s.io', kind: 'ServiceCIDR', plural: 'servicecidrs', singular: 'servicecidr', namespaced: false,
  ...v1('networking', 'ServiceCIDR'),
  generation: 'none',
  ...statusHooks<ServiceCIDR>(() => ({})),
  subresources: { status: statusOnly() },
  validate: validateServiceCidr,
  validateUpdate: validateServiceCidrUpdate,
  storedOnly: () => 'ServiceCIDR is only stored yet: addresses of Services come from --service-cidr alone',
  columns: [nameColumn, text('CIDRs', (object) => (object.spec?.cidrs ?? []).join(',')), ageColumn],
})
