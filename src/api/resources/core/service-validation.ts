// Source: pkg/apis/core/validation `validateService`. Addresses and node ports are given out, and their ranges checked, by the allocator.
import { isIPv6 } from 'node:net'
import { duplicate, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { Service, ServicePort, ServiceSpec } from '../../generated/types.ts'
import { isDnsSubdomain } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { portNumberOrName } from '../common/pod-spec/validation/probes.ts'
import { endpointIp } from '../common/validation/endpoint-ip.ts'
import { checked, type Findings, listed, oneOf, oneOfIfSet, qualifiedName } from '../common/validation/findings.ts'
import { legacyCidr, legacyIp } from '../common/validation/ip.ts'
import { labels } from '../common/validation/labels.ts'
import { namedPort } from '../common/validation/ports.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheck } from './service-strategy.ts'

const longestAffinity = 86400

function* byType(spec: ServiceSpec): Findings {
  const { type } = spec
  if (!spec.ports?.length && !isHeadless(spec) && type !== 'ExternalName') yield required('spec.ports')
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    yield invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)
  }
  if (type !== 'ExternalName') return
  const why = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) yield forbidden('spec.clusterIPs', why)
  if (spec.ipFamilies?.length) yield forbidden('spec.ipFamilies', why)
  if (spec.ipFamilyPolicy !== undefined) yield forbidden('spec.ipFamilyPolicy', why)
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (!name) yield required('spec.externalName')
  else yield* checked('spec.externalName', name, isDnsSubdomain)
}

function* eachPort(ports: readonly ServicePort[]): Findings {
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`
    yield* namedPort(at, port, { nameRequired: ports.length > 1 })
    if (port.name && ports.findIndex((p) => p.name === port.name) < index) yield duplicate(`${at}.name`, port.name)
    yield* portNumberOrName(`${at}.targetPort`, port.targetPort)
  }
}

function* portsTogether({ ports = [], type }: ServiceSpec): Findings {
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`
    const before = ports.slice(0, index).filter((p) => p.protocol === port.protocol)
    if (port.nodePort && type === 'ClusterIP') yield forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'")
    if (port.nodePort && before.some((p) => p.nodePort === port.nodePort)) yield duplicate(`${at}.nodePort`, port.nodePort)
    if (before.some((p) => p.port === port.port)) yield duplicate(at, { port: port.port, protocol: port.protocol })
  }
}

function* affinity(spec: ServiceSpec): Findings {
  yield* oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (spec.sessionAffinity !== 'ClientIP' || seconds === undefined) return
  if (seconds <= 0 || seconds > longestAffinity) {
    yield invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, `must be greater than 0 and less than ${longestAffinity}`)
  }
}

function* clusterIps(spec: ServiceSpec, current: ServiceSpec | undefined): Findings {
  if (spec.type === 'ExternalName') return
  const { clusterIP, clusterIPs = [], ipFamilies = [] } = spec
  const at = 'spec.clusterIPs'
  if (clusterIP && clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) yield invalid(at, clusterIPs, 'first value must match `clusterIP`')
  if (!clusterIP && clusterIPs.length > 0) yield invalid(at, clusterIPs, 'must be empty when `clusterIP` is not specified')
  for (const [index, family] of ipFamilies.entries()) {
    if (family !== 'IPv4' && family !== 'IPv6') yield notSupported(`spec.ipFamilies[${index}]`, family, ['IPv4', 'IPv6'])
    if (ipFamilies.indexOf(family) < index) yield duplicate(`spec.ipFamilies[${index}]`, family)
  }
  yield* oneOfIfSet('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack'])
  if (clusterIPs.includes('None') && clusterIPs.length > 1) yield invalid(at, clusterIPs, "'None' must be the first and only value")
  for (const [index, ip] of clusterIPs.entries()) {
    if (ip !== 'None' && !current?.clusterIPs?.includes(ip)) yield* legacyIp(`${at}[${index}]`, ip)
  }
  if (clusterIPs.length > 2) yield invalid(at, clusterIPs, 'may only hold up to 2 values')
  if (clusterIPs.length === 2 && isIPv6(clusterIPs[0]!) === isIPv6(clusterIPs[1]!)) {
    yield invalid(at, clusterIPs, 'may specify no more than one IP for each IP family')
  }
  for (const [index, family] of ipFamilies.entries()) {
    const ip = clusterIPs[index]
    if (ip && ip !== 'None' && isIPv6(ip) !== (family === 'IPv6')) {
      yield invalid(`${at}[${index}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``)
    }
  }
}

function* loadBalancer(spec: ServiceSpec): Findings {
  const only = "may only be used when `type` is 'LoadBalancer'"
  const balanced = spec.type === 'LoadBalancer'
  if (spec.loadBalancerSourceRanges?.length) {
    if (!balanced) yield forbidden('spec.LoadBalancerSourceRanges', only)
    for (const [index, range] of spec.loadBalancerSourceRanges.entries()) yield* legacyCidr(`spec.LoadBalancerSourceRanges[${index}]`, range.trim())
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) yield forbidden('spec.allocateLoadBalancerNodePorts', only)
  if (spec.loadBalancerClass === undefined) return
  if (!balanced) yield forbidden('spec.loadBalancerClass', only)
  else yield* qualifiedName('spec.loadBalancerClass', spec.loadBalancerClass)
}

function* trafficPolicies(spec: ServiceSpec): Findings {
  const external = spec.externalTrafficPolicy
  if (isExternallyAccessible(spec)) yield* oneOf('spec.externalTrafficPolicy', external, ['Cluster', 'Local'])
  else if (external) yield invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services')
  if (spec.healthCheckNodePort && !needsHealthCheck(spec)) {
    yield invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
  }
  yield* oneOfIfSet('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'])
  yield* oneOfIfSet('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameZone', 'PreferSameNode'])
}

function* serviceSpec(spec: ServiceSpec, current: ServiceSpec | undefined): Findings {
  yield* byType(spec)
  yield* eachPort(spec.ports ?? [])
  yield* labels('spec.selector', spec.selector)
  yield* affinity(spec)
  yield* clusterIps(spec, current)
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const wrong = [...legacyIp(`spec.externalIPs[${index}]`, ip)]
    yield* wrong.length > 0 ? wrong : endpointIp(`spec.externalIPs[${index}]`, ip)
  }
  yield* oneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'])
  yield* portsTogether(spec)
  yield* loadBalancer(spec)
  yield* trafficPolicies(spec)
}

export const validateService = listed(function* ({ spec }: Service): Findings {
  if (!spec) return yield required('spec.ports')
  yield* serviceSpec(spec, undefined)
})

export const validateServiceUpdate = listed(function* (draft: Service, current: Service): Findings {
  const [after, before] = [draft.spec!, current.spec!]
  if (after.type === 'LoadBalancer' && before.type === 'LoadBalancer' && after.loadBalancerClass !== before.loadBalancerClass) {
    yield invalid('spec.loadBalancerClass', after.loadBalancerClass, 'may not change once set')
  }
  if (needsHealthCheck(after) && needsHealthCheck(before) && before.healthCheckNodePort && after.healthCheckNodePort !== before.healthCheckNodePort) {
    yield forbidden('spec.healthCheckNodePort', 'field is immutable')
  }
  if (after.type === 'ExternalName' || before.type === 'ExternalName' || (isHeadless(after) && isHeadless(before))) return
  const [ips, old] = [after.clusterIPs ?? [], before.clusterIPs ?? []]
  if (old.length > 0 && ips.length === 0) yield invalid('spec.clusterIPs[0]', ips, 'primary clusterIP can not be unset')
  else if (old.length > 0 && ips[0] !== old[0]) yield invalid('spec.clusterIPs[0]', ips, 'may not change once set')
  if (isHeadless(after) !== isHeadless(before)) return
  const families = [after.ipFamilies ?? [], before.ipFamilies ?? []] as const
  if (families[1].length > 0 && !equal(families[0][0], families[1][0])) yield invalid('spec.ipFamilies[0]', families[0], 'may not change once set')
})

export const validateServiceStatus = listed(function* ({ spec, status }: Service): Findings {
  const ingress = status?.loadBalancer?.ingress ?? []
  if (spec?.type !== 'LoadBalancer' && ingress.length > 0) {
    return yield forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")
  }
  for (const [index, { ip, ipMode, hostname }] of ingress.entries()) {
    const at = `status.loadBalancer.ingress[${index}]`
    if (ip) yield* legacyIp(`${at}.ip`, ip)
    if (ip) yield* oneOfIfSet(`${at}.ipMode`, ipMode, ['Proxy', 'VIP'])
    else if (ipMode !== undefined) yield forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set')
    if (hostname) yield* checked(`${at}.hostname`, hostname, isDnsSubdomain)
  }
})
