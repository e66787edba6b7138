// The iptables rules of one Service as a pure function: which rules lead to it, and its chains.
// Chain names and the shape of the rules are those known from kube-proxy's iptables mode.
import { createHash } from 'node:crypto'
import type { EndpointSlice, Service, ServicePort } from '../api/generated/types.ts'
import type { Rule } from '../netfilter/restore.ts'

interface ProxyNode {
  name: string
  clusterCidr: string
}

export interface ServiceRules {
  /** Rules in KUBE-SERVICES, KUBE-NODEPORTS and filter's KUBE-EXTERNAL-SERVICES. */
  services: Rule[]
  nodePorts: Rule[]
  rejected: Rule[]
  /** nat chains by name. */
  chains: Map<string, Rule[]>
  /** Where UDP clients of this service are sent, to find stale flows. */
  udp: { address?: string; port?: number; endpoints: string[] }[]
}

interface Endpoint {
  address: string
  port: number
  local: boolean
}

const hash = (text: string) => createHash('sha256').update(text).digest('base64').replace(/[^A-Za-z0-9]/g, '').toUpperCase().slice(0, 16)
const quoted = (text: string) => `-m comment --comment "${text}"`

export function renderService(service: Service, slices: readonly EndpointSlice[], node: ProxyNode): ServiceRules {
  const rules: ServiceRules = { services: [], nodePorts: [], rejected: [], chains: new Map(), udp: [] }
  const { clusterIP, type } = service.spec ?? {}
  if (!clusterIP || clusterIP === 'None' || type === 'ExternalName') return rules
  for (const port of service.spec?.ports ?? []) renderPort({ service, port, endpoints: endpointsOf(slices, port, node.name), node }, rules)
  return rules
}

/** Ready endpoints; where there are none, those that still serve while they terminate. */
export function endpointsOf(slices: readonly EndpointSlice[], port: ServicePort, nodeName: string): Endpoint[] {
  const ready: Endpoint[] = []
  const terminating: Endpoint[] = []
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const target = slice.ports?.find((p) => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.port
    if (target === undefined) continue
    for (const { addresses, conditions, nodeName: at } of slice.endpoints ?? []) {
      const endpoint = { address: addresses[0]!, port: target, local: at === nodeName }
      if (conditions?.ready !== false) ready.push(endpoint)
      else if (conditions.serving && conditions.terminating) terminating.push(endpoint)
    }
  }
  const unique = new Map((ready.length > 0 ? ready : terminating).map((e) => [`${e.address}:${e.port}`, e]))
  return [...unique.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port))
}

interface PortContext {
  service: Service
  port: ServicePort
  endpoints: Endpoint[]
  node: ProxyNode
}

function renderPort(context: PortContext, rules: ServiceRules): void {
  const { service, port, endpoints, node } = context
  const spec = service.spec!
  const id = `${service.metadata?.namespace}/${service.metadata?.name}${port.name ? `:${port.name}` : ''}`
  const protocol = (port.protocol ?? 'TCP').toLowerCase()
  const key = hash(`${id}${protocol}`)
  const local = endpoints.filter((endpoint) => endpoint.local)
  const inside = spec.internalTrafficPolicy === 'Local' ? local : endpoints
  const outsideLocal = spec.externalTrafficPolicy === 'Local'
  const cluster = `KUBE-SVC-${key}`
  const onlyLocal = `KUBE-SVL-${key}`
  const external = `KUBE-EXT-${key}`
  const to = (address: string) => `-d ${address}/32 -p ${protocol} -m ${protocol} --dport ${port.port}`
  const outerAddresses = [...(spec.externalIPs ?? []), ...(service.status?.loadBalancer?.ingress ?? []).flatMap((i) => (i.ip && i.ipMode !== 'Proxy' ? [i.ip] : []))]
  const isOpen = outerAddresses.length > 0 || port.nodePort !== undefined

  const internalChain = spec.internalTrafficPolicy === 'Local' ? onlyLocal : cluster
  if (inside.length > 0) rules.services.push(`${to(spec.clusterIP!)} ${quoted(`${id} cluster IP`)} -j ${internalChain}`)
  if (isOpen) renderOuter()
  if (endpoints.length > 0 && (internalChain === cluster || isOpen)) rules.chains.set(cluster, [...masqueradeOutside(), ...balance(endpoints)])
  if (local.length > 0 && (internalChain === onlyLocal || (isOpen && outsideLocal))) rules.chains.set(onlyLocal, balance(local))
  for (const endpoint of endpoints) rules.chains.set(endpointChain(endpoint), endpointRules(endpoint))
  if (protocol === 'udp') recordUdp()

  function masqueradeOutside(): Rule[] {
    return [`! -s ${node.clusterCidr} ${to(spec.clusterIP!)} ${quoted(`${id} cluster IP`)} -j KUBE-MARK-MASQ`]
  }

  function renderOuter(): void {
    const usable = outsideLocal ? local : endpoints
    for (const address of outerAddresses) {
      if (usable.length > 0 || endpoints.length > 0) rules.services.push(`${to(address)} ${quoted(`${id} external IP`)} -j ${external}`)
      else rules.rejected.push(`${to(address)} ${quoted(`${id} has no endpoints`)} -j REJECT`)
    }
    if (port.nodePort !== undefined) {
      const toNode = `-p ${protocol} -m ${protocol} --dport ${port.nodePort} ${quoted(id)}`
      if (endpoints.length > 0) rules.nodePorts.push(`${toNode} -j ${external}`)
      else rules.rejected.push(`-m addrtype --dst-type LOCAL ${toNode} -j REJECT`)
    }
    if (endpoints.length > 0) rules.chains.set(external, externalRules())
  }

  /** With `externalTrafficPolicy: Local` clients keep their address and reach this node's pods only; pods and the node itself reach all. */
  function externalRules(): Rule[] {
    if (!outsideLocal) return [`${quoted(`masquerade traffic for ${id} external destinations`)} -j KUBE-MARK-MASQ`, `-j ${cluster}`]
    const fromInside = [
      `-s ${node.clusterCidr} ${quoted(`pod traffic for ${id} external destinations`)} -j ${cluster}`,
      `-m addrtype --src-type LOCAL ${quoted(`masquerade LOCAL traffic for ${id} external destinations`)} -j KUBE-MARK-MASQ`,
      `-m addrtype --src-type LOCAL ${quoted(`route LOCAL traffic for ${id} external destinations`)} -j ${cluster}`,
    ]
    return local.length > 0 ? [...fromInside, `-j ${onlyLocal}`] : fromInside
  }

  function endpointChain(endpoint: Endpoint): string {
    return `KUBE-SEP-${hash(`${id}${protocol}${endpoint.address}:${endpoint.port}`)}`
  }

  function endpointRules(endpoint: Endpoint): Rule[] {
    const remember = affinitySeconds() ? ` -m recent --name ${endpointChain(endpoint)} --set` : ''
    return [
      `-s ${endpoint.address}/32 ${quoted(id)} -j KUBE-MARK-MASQ`,
      `-p ${protocol} ${quoted(id)}${remember} -m ${protocol} -j DNAT --to-destination ${endpoint.address}:${endpoint.port}`,
    ]
  }

  function affinitySeconds(): number | undefined {
    return spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : undefined
  }

  function balance(among: readonly Endpoint[]): Rule[] {
    const seconds = affinitySeconds()
    const sticky = seconds
      ? among.map((e) => `${quoted(id)} -m recent --name ${endpointChain(e)} --rcheck --seconds ${seconds} --reap -j ${endpointChain(e)}`)
      : []
    const spread = among.map((e, i) => {
      const left = among.length - i
      const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : ''
      return `${quoted(`${id} -> ${e.address}:${e.port}`)}${chance} -j ${endpointChain(e)}`
    })
    return [...sticky, ...spread]
  }

  function recordUdp(): void {
    const addresses = endpoints.map((e) => e.address)
    for (const address of [spec.clusterIP!, ...outerAddresses]) rules.udp.push({ address, endpoints: addresses })
    if (port.nodePort !== undefined) rules.udp.push({ port: port.nodePort, endpoints: addresses })
  }
}
