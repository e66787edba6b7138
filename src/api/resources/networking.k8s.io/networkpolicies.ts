import type { NetworkPolicy } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { selectorOrNone } from '../common/label-text.ts'
import { v1 } from '../common/strategy.ts'
import { validateNetworkPolicy } from './validation.ts'
import { networkPolicyWarnings } from './warnings.ts'

export const networkpolicies = defineResource<NetworkPolicy>({
  group: 'networking.k8s.io', kind: 'NetworkPolicy', plural: 'networkpolicies', singular: 'networkpolicy', shortNames: ['netpol'], namespaced: true,
  ...v1('networking', 'NetworkPolicy'),
  defaults({ spec }) {
    if (!spec) return
    spec.podSelector ??= {}
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
  },
  validate: validateNetworkPolicy,
  warnings: networkPolicyWarnings,
  storedOnly: () => 'NetworkPolicy is only stored yet: traffic is not filtered',
  columns: [nameColumn, text('Pod-Selector', (object) => selectorOrNone(object.spec?.podSelector)), ageColumn],
})
