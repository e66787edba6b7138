import type { Ingress } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { ingressText } from '../common/load-balancer.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateIngress, validateIngressCreate, validateIngressStatus } from './ingress-validation.ts'
import { ingressWarnings } from './warnings.ts'

function hosts({ spec }: Ingress): string {
  const rules = spec?.rules ?? []
  const shown = rules.slice(0, 3).map((rule) => rule.host).filter(Boolean).join(',')
  if (!shown) return '*'
  return rules.length > 3 ? `${shown} + ${rules.length - 3} more...` : shown
}

export const ingresses = defineResource<Ingress>({
  group: 'networking.k8s.io', kind: 'Ingress', plural: 'ingresses', singular: 'ingress', shortNames: ['ing'], namespaced: true,
  ...v1('networking', 'Ingress'),
  ...statusHooks<Ingress>(() => ({ loadBalancer: {} }), validateIngressStatus),
  validate: validateIngress,
  warnings: ingressWarnings,
  validateCreate: validateIngressCreate,
  storedOnly: () => 'Ingress is only stored yet: nothing serves it unless you run an ingress controller',
  columns: [
    nameColumn,
    text('Class', (ingress) => ingress.spec?.ingressClassName ?? '<none>'),
    text('Hosts', hosts),
    text('Address', (ingress) => ingressText(ingress.status?.loadBalancer?.ingress)),
    text('Ports', (ingress) => (ingress.spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
})
