// What the cluster's zone says: a pure function from a question and the world to records.
// Source: "Kubernetes DNS-Based Service Discovery", schema version 1.1.0.
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { formatAddress, parseAddress } from '../base/cidr.ts'

export interface DnsWorld {
  service(namespace: string, name: string): Service | undefined
  /** Of one service, all address types. */
  slices(namespace: string, name: string): readonly EndpointSlice[]
  hasNamespace(namespace: string): boolean
  /** Services whose cluster IP this is. */
  servicesAt(address: string): readonly Service[]
  /** Slices with this endpoint address. */
  slicesAt(address: string): readonly EndpointSlice[]
}

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'PTR' | 'CNAME' | 'TXT' | 'SOA' | 'NS'

export interface DnsRecord {
  name: string
  type: RecordType
  ttl: number
  data: unknown
}

type Resolution =
  | { kind: 'records'; answers: DnsRecord[]; additionals: DnsRecord[] }
  /** The name exists, but has no record of this type. */
  | { kind: 'no-data' }
  | { kind: 'no-such-name' }
  /** The name is an alias; the target's addresses are wanted too. */
  | { kind: 'alias'; record: DnsRecord; target: string }
  /** Not ours: ask upstream. */
  | { kind: 'elsewhere' }

const ttl = 5
const noData: Resolution = { kind: 'no-data' }
const noSuchName: Resolution = { kind: 'no-such-name' }
const familyOf = { A: 4, AAAA: 6 } as const

/** `name` in lower case, without the final dot; `zone` likewise, as in `cluster.local`. */
export function resolve(world: DnsWorld, zone: string, name: string, type: string): Resolution {
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return resolveReverse(world, zone, name, type)
  if (name === zone) return type === 'SOA' || type === 'NS' ? records([{ name, type, ttl, data: type === 'SOA' ? soaData(zone) : `ns.dns.${zone}` }]) : noData
  if (!name.endsWith(`.${zone}`)) return { kind: 'elsewhere' }
  const labels = name.slice(0, -zone.length - 1).split('.').reverse()
  const [kind, namespace, service, ...more] = labels
  if (kind === 'dns-version' && labels.length === 1) return type === 'TXT' ? records([{ name, type, ttl, data: '1.1.0' }]) : noData
  if (kind === 'svc') return namespace === undefined ? noData : resolveService(world, zone, { name, namespace, service, more }, type)
  if (kind === 'pod') return namespace === undefined ? noData : resolvePod(world, { name, namespace, label: service, more }, type)
  return noSuchName
}

export const soaData = (zone: string) => ({ mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}`, serial: 1, refresh: 7200, retry: 1800, expire: 86400, minimum: ttl })

const records = (answers: DnsRecord[], additionals: DnsRecord[] = []): Resolution => (answers.length > 0 ? { kind: 'records', answers, additionals } : noData)

interface ServiceQuestion {
  name: string
  namespace: string
  service: string | undefined
  /** What stands before the service: `[]`, `[hostname]` or `[_tcp, _http]`. */
  more: string[]
}

function resolveService(world: DnsWorld, zone: string, { name, namespace, service, more }: ServiceQuestion, type: string): Resolution {
  if (service === undefined) return world.hasNamespace(namespace) ? noData : noSuchName
  const object = world.service(namespace, service)
  if (!object || more.length > 2) return noSuchName
  const base = `${service}.${namespace}.svc.${zone}`
  if (object.spec?.type === 'ExternalName') return more.length === 0 ? externalName(name, object, type) : noSuchName
  const targets = isHeadless(object) ? endpointTargets(world.slices(namespace, service), base) : clusterTargets(object, base)
  if (more.length === 0) {
    if (targets.length === 0) return noSuchName
    return type === 'SRV' ? serviceRecords(name, targets, () => true) : addressRecords(name, targets, type)
  }
  if (more.length === 1) {
    const hosts = isHeadless(object) ? targets.filter((target) => target.host === name) : []
    return hosts.length > 0 ? addressRecords(name, hosts, type) : noSuchName
  }
  const [protocol, port] = more as [string, string]
  const wanted = (p: TargetPort) => `_${p.name}` === port && `_${p.protocol.toLowerCase()}` === protocol
  if (!targets.some((target) => target.ports.some(wanted))) return noSuchName
  return type === 'SRV' ? serviceRecords(name, targets, wanted) : noData
}

function externalName(name: string, service: Service, type: string): Resolution {
  const target = service.spec?.externalName?.toLowerCase().replace(/\.$/, '')
  if (!target) return noSuchName
  const record: DnsRecord = { name, type: 'CNAME', ttl, data: target }
  if (type === 'CNAME') return records([record])
  return type in familyOf ? { kind: 'alias', record, target } : noData
}

const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None'

interface TargetPort {
  name: string
  protocol: string
  port: number
}

interface Target {
  host: string
  addresses: string[]
  ports: TargetPort[]
}

function clusterTargets(service: Service, base: string): Target[] {
  const addresses = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : [])
  const ports = (service.spec?.ports ?? []).map((p) => ({ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port }))
  return addresses.length > 0 ? [{ host: base, addresses, ports }] : []
}

function endpointTargets(slices: readonly EndpointSlice[], base: string): Target[] {
  const targets = new Map<string, Target>()
  for (const slice of slices) {
    const ports = (slice.ports ?? []).filter((p) => p.port !== undefined).map((p) => ({ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port! }))
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0]
      if (address === undefined || endpoint.conditions?.ready === false) continue
      const host = `${endpoint.hostname?.toLowerCase() ?? dashed(address)}.${base}`
      const known = targets.get(`${host} ${address}`)
      if (known) known.ports.push(...ports)
      else targets.set(`${host} ${address}`, { host, addresses: [address], ports: [...ports] })
    }
  }
  return [...targets.values()]
}

/** `10-42-0-7`, `fd00--7`: an address as one label. */
const dashed = (address: string): string => address.replace(/[.:]/g, '-')

const isType = (type: string): type is 'A' | 'AAAA' => type in familyOf
const ofFamily = (address: string, type: 'A' | 'AAAA') => parseAddress(address).family === familyOf[type]

function addressRecords(name: string, targets: readonly Target[], type: string): Resolution {
  if (!isType(type)) return noData
  const addresses = new Set(targets.flatMap((target) => target.addresses).filter((address) => ofFamily(address, type)))
  return records([...addresses].map((data) => ({ name, type, ttl, data })))
}

function serviceRecords(name: string, targets: readonly Target[], wanted: (port: TargetPort) => boolean): Resolution {
  const answers = new Map<string, DnsRecord>()
  const additionals = new Map<string, DnsRecord>()
  for (const target of targets) {
    for (const port of target.ports.filter(wanted)) {
      answers.set(`${target.host} ${port.port}`, { name, type: 'SRV', ttl, data: { priority: 0, weight: 0, port: port.port, target: target.host } })
      for (const address of target.addresses) {
        additionals.set(`${target.host} ${address}`, { name: target.host, type: parseAddress(address).family === 4 ? 'A' : 'AAAA', ttl, data: address })
      }
    }
  }
  const weight = Math.max(1, Math.floor(100 / Math.max(1, answers.size)))
  for (const record of answers.values()) (record.data as { weight: number }).weight = weight
  return records([...answers.values()], [...additionals.values()])
}

function resolvePod(world: DnsWorld, at: { name: string; namespace: string; label: string | undefined; more: string[] }, type: string): Resolution {
  if (at.label === undefined) return world.hasNamespace(at.namespace) ? noData : noSuchName
  const address = at.more.length === 0 && world.hasNamespace(at.namespace) ? undashed(at.label) : undefined
  if (!address) return noSuchName
  return isType(type) && ofFamily(address, type) ? records([{ name: at.name, type, ttl, data: address }]) : noData
}

function undashed(label: string): string | undefined {
  for (const text of [label.replaceAll('-', '.'), label.replaceAll('-', ':')]) {
    try {
      const { family, value } = parseAddress(text)
      return formatAddress(family, value)
    } catch {
      continue
    }
  }
  return undefined
}

function resolveReverse(world: DnsWorld, zone: string, name: string, type: string): Resolution {
  const address = reverseAddress(name)
  if (!address) return { kind: 'elsewhere' }
  const names = new Set(world.servicesAt(address).map((s) => `${s.metadata?.name}.${s.metadata?.namespace}.svc.${zone}`))
  for (const slice of world.slicesAt(address)) {
    const service = slice.metadata?.labels?.['kubernetes.io/service-name']
    const object = service && world.service(slice.metadata?.namespace ?? '', service)
    if (!object || !isHeadless(object)) continue
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.addresses[0] === address) names.add(`${endpoint.hostname?.toLowerCase() ?? dashed(address)}.${service}.${slice.metadata?.namespace}.svc.${zone}`)
    }
  }
  if (names.size === 0) return { kind: 'elsewhere' }
  return type === 'PTR' ? records([...names].map((data) => ({ name, type, ttl, data }))) : noData
}

function reverseAddress(name: string): string | undefined {
  const v4 = name.endsWith('.in-addr.arpa')
  const labels = name.slice(0, name.length - (v4 ? '.in-addr.arpa' : '.ip6.arpa').length).split('.').reverse()
  if (labels.length !== (v4 ? 4 : 32)) return undefined
  const text = v4 ? labels.join('.') : labels.join('').replace(/(.{4})(?=.)/g, '$1:')
  try {
    const { family, value } = parseAddress(text)
    return formatAddress(family, value)
  } catch {
    return undefined
  }
}
