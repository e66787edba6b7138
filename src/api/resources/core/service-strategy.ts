// What a Service is made complete with, and what a change of its type takes away (source: pkg/registry/core/service/strategy.go).
import type { Service, ServiceSpec } from '../../generated/types.ts'
import { equal } from '../common/equal.ts'
import { keepStatus } from '../common/strategy.ts'

const hasClusterIp = ({ type }: ServiceSpec) => type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer'
const hasNodePorts = ({ type }: ServiceSpec) => type === 'NodePort' || type === 'LoadBalancer'
export const needsHealthCheck = ({ type, externalTrafficPolicy }: ServiceSpec): boolean => type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
export const isExternallyAccessible = (spec: ServiceSpec): boolean => hasNodePorts(spec) || (spec.type === 'ClusterIP' && !!spec.externalIPs?.length)
export const isHeadless = ({ clusterIPs, clusterIP }: ServiceSpec): boolean => (clusterIPs?.[0] ?? clusterIP) === 'None'

export function defaultService({ spec, status }: Service): void {
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
  if (hasClusterIp(spec)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}

type Field = keyof ServiceSpec

/** Fields that the user left as they were go when the new type has no use for them; changed ones stay for validation to refuse. */
function dropUnused(draft: ServiceSpec, current: ServiceSpec): void {
  const drop = (fields: Field[], used: (spec: ServiceSpec) => boolean) => {
    if (used(current) && !used(draft)) for (const field of fields) if (equal(draft[field], current[field])) delete draft[field]
  }
  if (equal(draft.clusterIPs, current.clusterIPs)) drop(['clusterIP', 'clusterIPs'], hasClusterIp)
  drop(['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'], hasClusterIp)
  const ports = (spec: ServiceSpec) => (spec.ports ?? []).map((p) => p.nodePort ?? 0).filter(Boolean).sort()
  if (hasNodePorts(current) && !hasNodePorts(draft) && ports(draft).every((port) => ports(current).includes(port))) {
    for (const port of draft.ports ?? []) delete port.nodePort
  }
  drop(['healthCheckNodePort'], needsHealthCheck)
  drop(['allocateLoadBalancerNodePorts', 'loadBalancerClass'], ({ type }) => type === 'LoadBalancer')
  drop(['externalTrafficPolicy'], isExternallyAccessible)
}

export function prepareServiceUpdate(draft: Service, current: Service): void {
  keepStatus(draft, current)
  if (!draft.spec || !current.spec) return
  const { clusterIP } = draft.spec
  // A client that knows only the singular field changes it; validation refuses that in the plural one.
  if (clusterIP && clusterIP !== current.spec.clusterIP && equal(draft.spec.clusterIPs, current.spec.clusterIPs)) draft.spec.clusterIPs = [clusterIP]
  dropUnused(draft.spec, current.spec)
  if (draft.spec.type !== 'LoadBalancer') draft.status = { ...draft.status, loadBalancer: {} }
}
