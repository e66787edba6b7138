import type { NetworkPolicy } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { selectorOrNone } from '../common/label-text.ts'
import { v1 } from '../common/strategy.ts'

export const networkpolicies = defineResource<NetworkPolicy>({
  group: 'networking.k8s.io', kind: 'NetworkPolicy', plural: 'networkpolicies', singular: 'networkpolicy', shortNames: ['netpol'], namespaced: true,
  ...v1('networking', 'NetworkPolicy'),
  columns: [nameColumn, text('Pod-Selector', (object) => selectorOrNone(object.spec?.podSelector)), ageColumn],
})
