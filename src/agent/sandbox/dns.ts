// What goes into a pod's resolv.conf: from its policy, its own settings, the cluster and the node.
import type { AgentPod } from '../pod/types.ts'

export interface DnsConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

interface DnsInput {
  pod: AgentPod
  clusterDns: readonly string[]
  clusterDomain: string
  /** The node's own. */
  host: DnsConfig
}

interface DnsResult {
  config: DnsConfig
  /** Warnings for the pod's events. */
  warnings: string[]
}

const limits = { servers: 3, searches: 32, searchLength: 2048, domainLength: 253 }
const unique = (list: readonly string[]) => [...new Set(list)]

export function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0]) config.servers.push(rest[0])
    if (word === 'search') config.searches = rest.filter((s) => s !== '.').map((s) => s.replace(/\.$/, ''))
    if (word === 'options') config.options = mergeOptions(config.options, rest)
  }
  return config
}

/** A later option of the same name replaces the earlier one. */
function mergeOptions(given: readonly string[], more: readonly string[]): string[] {
  const byName = new Map([...given, ...more].map((option) => [option.split(':')[0]!, option]))
  return [...byName.values()]
}

export function podDns({ pod, clusterDns, clusterDomain, host }: DnsInput): DnsResult {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod.spec
  const cluster = (dnsPolicy === 'ClusterFirst' && !hostNetwork) || dnsPolicy === 'ClusterFirstWithHostNet'
  const config = dnsPolicy === 'None' ? { servers: [], searches: [], options: [] } : cluster && clusterDns.length > 0 ? fromCluster() : { ...host }
  if (dnsConfig) {
    config.servers = unique([...config.servers, ...(dnsConfig.nameservers ?? [])])
    config.searches = unique([...config.searches, ...(dnsConfig.searches ?? [])])
    const options = (dnsConfig.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : (name ?? '')))
    config.options = mergeOptions(config.options, options)
  }
  return fit(config)

  function fromCluster(): DnsConfig {
    const domains = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
    return { servers: [...clusterDns], searches: unique([...domains, ...host.searches]), options: ['ndots:5'] }
  }
}

function fit(config: DnsConfig): DnsResult {
  const warnings: string[] = []
  const servers = config.servers.slice(0, limits.servers)
  if (servers.length < config.servers.length) {
    warnings.push(`Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`)
  }
  const searches = config.searches.slice(0, limits.searches).filter((s) => s.length <= limits.domainLength)
  while (searches.join(' ').length > limits.searchLength) searches.pop()
  if (searches.length < config.searches.length) {
    warnings.push(`Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`)
  }
  return { config: { servers, searches, options: config.options }, warnings }
}
