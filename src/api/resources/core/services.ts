import type { Service, ServicePort, ServiceSpec } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'
import { labelsOrNone } from '../common/label-text.ts'
import { ingressText } from '../common/load-balancer.ts'
import { statusHooks, v1 } from '../common/strategy.ts'

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

const selectable = ['ClusterIP', 'NodePort', 'LoadBalancer']

function defaults({ spec, status }: Service): void {
  if (!spec) return
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    port.targetPort ||= port.port
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (selectable.includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}

const isExternallyAccessible = ({ type, externalIPs }: ServiceSpec) => type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && !!externalIPs?.length)

export const services = defineResource<Service>({
  group: '', kind: 'Service', plural: 'services', singular: 'service', shortNames: ['svc'], categories: ['all'], namespaced: true,
  ...v1('core', 'Service'),
  generation: 'none',
  nameFormat: 'dns-1035-label',
  allowCreateOnUpdate: true,
  ...statusHooks<Service>(() => ({ loadBalancer: {} })),
  defaults,
  selectableFields: { 'spec.clusterIP': (service) => service.spec?.clusterIP ?? '', 'spec.type': (service) => service.spec?.type ?? '' },
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
