import type { Service, ServicePort } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { labelsOrNone } from '../common/label-text.ts'
import { ingressText } from '../common/load-balancer.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { defaultService, prepareServiceUpdate } from './service-strategy.ts'
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-validation.ts'
import { serviceWarnings } from './warnings.ts'

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? []
  switch (spec?.type) {
    case 'ClusterIP': case 'NodePort':
      return external.join(',') || '<none>'
    case 'LoadBalancer':
      return [ingressText(status?.loadBalancer?.ingress), ...external].filter(Boolean).join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

const port = (p: ServicePort) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol}`

const status = statusHooks<Service>(() => ({ loadBalancer: {} }), validateServiceStatus)

export const services = defineResource<Service>({
  group: '', kind: 'Service', plural: 'services', singular: 'service', shortNames: ['svc'], categories: ['all'], namespaced: true,
  ...v1('core', 'Service'),
  generation: 'none',
  nameFormat: 'dns-label',
  allowCreateOnUpdate: true,
  ...status,
  defaults: defaultService,
  prepareForUpdate: prepareServiceUpdate,
  validate: validateService,
  warnings: serviceWarnings,
  validateUpdate: validateServiceUpdate,
  selectableFields: { 'spec.clusterIP': (service) => service.spec?.clusterIP ?? '', 'spec.type': (service) => service.spec?.type ?? '' },
  storedOnly: ({ spec }) => (spec?.type === 'LoadBalancer' ? 'type: LoadBalancer is only stored yet: no load balancer is provisioned, the Service is reachable by its node ports' : undefined),
  columns: [
    nameColumn,
    text('Type', (service) => service.spec?.type ?? ''),
    text('Cluster-IP', (service) => service.spec?.clusterIPs?.[0] ?? '<none>'),
    text('External-IP', externalIp),
    text('Port(s)', (service) => (service.spec?.ports ?? []).map(port).join(',') || '<none>'),
    ageColumn,
    wide(text('Selector', (service) => labelsOrNone(service.spec?.selector))),
  ],
})
