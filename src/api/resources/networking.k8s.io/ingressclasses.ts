import type { IngressClass } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, defaultableName, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateIngressClass, validateIngressClassUpdate } from './ingress-validation.ts'

function parameters({ spec }: IngressClass): string {
  const to = spec?.parameters
  return to ? `${to.kind}${to.apiGroup === undefined ? '' : `.${to.apiGroup}`}/${to.name}` : '<none>'
}

export const ingressclasses = defineResource<IngressClass>({
  group: 'networking.k8s.io', kind: 'IngressClass', plural: 'ingressclasses', singular: 'ingressclass', namespaced: false,
  ...v1('networking', 'IngressClass'),
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate: validateIngressClass,
  validateUpdate: validateIngressClassUpdate,
  columns: [
    defaultableName('ingressclass.kubernetes.io/is-default-class'),
    text('Controller', (object) => object.spec?.controller ?? ''),
    text('Parameters', parameters),
    ageColumn,
  ],
})
