// Cluster IPs and node ports of Services: given out as a Service is admitted, taken back when no Service holds them any more.
// Rules and wording: Kubernetes' service registry (allocation of single-stack services).
import type { Service, ServicePort } from '../../api/generated/types.ts'
import { invalid, type FieldError } from '../../api/field-error.ts'
import { services } from '../../api/refs.ts'
import { internalError, invalidError } from '../../api/status-error.ts'
import { addressAt, cidrContains, cidrSize, parseCidr } from '../../base/cidr.ts'
import type { Clock } from '../../base/clock.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts'
import type { ObjectReader } from '../object-reader.ts'
import { createReservations, type Reservations } from './reservations.ts'

interface ServiceAllocationOptions {
  reader: ObjectReader
  serviceCidr: string
  /** As in `30000-32767`. */
  nodePortRange: string
  clock: Clock
  /** A number in [0, 1). */
  random(): number
}

export function createServiceAllocation(options: ServiceAllocationOptions): AdmissionPlugin {
  const addresses = createReservations<string>(options.clock)
  const ports = createReservations<number>(options.clock)
  options.reader.onChange<Service>(services, (before, now) => {
    for (const address of heldAddresses(before)) addresses.release(address)
    for (const port of heldPorts(before)) ports.release(port)
    for (const address of heldAddresses(now)) addresses.hold(address)
    for (const port of heldPorts(now)) ports.hold(port)
  })
  const allocation: Allocation = { ...options, addresses, ports }
  return {
    name: 'ServiceAllocation',
    handles: ({ operation, attributes }) => attributes.group === '' && attributes.resource === 'services' && attributes.subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    mutate: (request) => allocate(request, allocation),
  }
}

interface Allocation extends ServiceAllocationOptions {
  addresses: Reservations<string>
  ports: Reservations<number>
}

const heldAddresses = (service: Service | undefined) => (service?.spec?.clusterIPs ?? []).filter((ip) => ip !== 'None' && ip !== '')
const heldPorts = (service: Service | undefined) =>
  [...new Set((service?.spec?.ports ?? []).map((port) => port.nodePort ?? 0)), service?.spec?.healthCheckNodePort ?? 0].filter((port) => port !== 0)
const hasNodePorts = (service: Service | undefined) => service?.spec?.type === 'NodePort' || service?.spec?.type === 'LoadBalancer'
const needsHealthCheck = (service: Service) => service.spec?.type === 'LoadBalancer' && service.spec.externalTrafficPolicy === 'Local'

function allocate(request: AdmissionRequest, allocation: Allocation): void {
  const draft = request.draft as Service
  const current = request.current as Service | undefined
  if (!draft.spec) return
  const owner = `${draft.metadata?.namespace}/${draft.metadata?.name}`
  const context = { draft, spec: draft.spec, current, owner, dryRun: request.dryRun, ...allocation }
  if (current) adoptAllocated(draft, current)
  if (draft.spec.type === 'ExternalName') return
  if (draft.spec.clusterIP && !draft.spec.clusterIPs?.length) draft.spec.clusterIPs = [draft.spec.clusterIP]
  if (!draft.spec.clusterIP && draft.spec.clusterIPs?.length) draft.spec.clusterIP = draft.spec.clusterIPs[0]
  setFamilies(context)
  allocateAddress(context)
  if (hasNodePorts(draft)) allocatePorts(context)
  if (needsHealthCheck(draft)) draft.spec.healthCheckNodePort ||= takePort(context, 'spec.healthCheckNodePort', current?.spec?.healthCheckNodePort || undefined)
}

interface Context extends Allocation {
  draft: Service
  spec: NonNullable<Service['spec']>
  current: Service | undefined
  owner: string
  dryRun: boolean
}

/** An update that leaves allocated fields empty keeps what the Service has (as PUT from a manifest does). */
function adoptAllocated(draft: Service, current: Service): void {
  const [spec, old] = [draft.spec!, current.spec!]
  const keepsAddress = spec.type !== 'ExternalName' && old.type !== 'ExternalName'
  if (keepsAddress && !spec.clusterIP && !spec.clusterIPs?.length) {
    spec.clusterIP = old.clusterIP
    spec.clusterIPs = old.clusterIPs && [...old.clusterIPs]
  }
  if (hasNodePorts(draft) && hasNodePorts(current)) {
    const taken = new Set((spec.ports ?? []).map((port) => port.nodePort))
    for (const port of spec.ports ?? []) {
      const before = old.ports?.find((p) => p.port === port.port && p.protocol === port.protocol)?.nodePort
      if (!port.nodePort && before && !taken.has(before)) port.nodePort = before
    }
  }
  if (needsHealthCheck(draft) && needsHealthCheck(current)) spec.healthCheckNodePort ||= old.healthCheckNodePort
}

function setFamilies({ spec, current, draft, serviceCidr }: Context): void {
  const own = parseCidr(serviceCidr)!.family === 4 ? 'IPv4' : 'IPv6'
  const free = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= current?.spec?.ipFamilyPolicy ?? (free ? 'RequireDualStack' : 'SingleStack')
  if (free) {
    spec.ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : [own]
    if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') spec.ipFamilies = [...spec.ipFamilies, spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4']
    return
  }
  const errors: FieldError[] = []
  if (spec.ipFamilyPolicy === 'RequireDualStack') errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  spec.ipFamilies?.forEach((family, i) => {
    if (family !== own) errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  })
  refuse(draft, errors)
  spec.ipFamilies = [own]
}

function allocateAddress(context: Context): void {
  const { spec, current, draft, addresses, serviceCidr } = context
  const wanted = spec.clusterIPs?.[0]
  if (wanted === 'None') return
  if (wanted) {
    if (current?.spec?.clusterIPs?.includes(wanted)) return
    const range = parseCidr(serviceCidr)!
    if (!isAddressIn(range, wanted)) {
      refuse(draft, [invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${wanted}: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${serviceCidr}`)])
    }
    if (!takes(context, addresses, wanted)) refuse(draft, [invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${wanted}: provided IP is already allocated`)])
    return
  }
  const address = nextAddress(context)
  spec.clusterIP = address
  spec.clusterIPs = [address]
}

const isAddressIn = (range: NonNullable<ReturnType<typeof parseCidr>>, address: string) => {
  try {
    return cidrContains(range, address)
  } catch {
    return false
  }
}

/** The lower part of the range is left for addresses that people choose (KEP-3070: min(max(16, size/16), 256)). */
function nextAddress(context: Context): string {
  const { serviceCidr, addresses, random, draft } = context
  const range = parseCidr(serviceCidr)!
  const size = Number(cidrSize(range) > 65536n ? 65536n : cidrSize(range))
  const reserved = size <= 16 ? 1 : Math.min(Math.max(16, Math.floor(size / 16)), 256)
  const last = size - 1
  const take = (i: number) => takes(context, addresses, addressAt(range, i))
  const found = pick({ first: reserved, last, take, random }) ?? pick({ first: 1, last: reserved, take, random })
  if (found === undefined) throw internalError(`failed to allocate a serviceIP for Service ${JSON.stringify(draft.metadata?.name)}: range is full`)
  return addressAt(range, found)
}

const takes = <V>({ dryRun, owner }: Context, from: Reservations<V>, value: V) => (dryRun ? !from.isTaken(value, owner) : from.reserve(value, owner))

/** The first number in [first, last) from a random one on, round the end, that can be taken. */
function pick(options: { first: number; last: number; take(value: number): boolean; random(): number }): number | undefined {
  const count = options.last - options.first
  const start = Math.floor(options.random() * count)
  for (let i = 0; i < count; i++) {
    const value = options.first + ((start + i) % count)
    if (options.take(value)) return value
  }
  return undefined
}

function allocatePorts(context: Context): void {
  const { spec } = context
  const mayAllocate = spec.type !== 'LoadBalancer' || spec.allocateLoadBalancerNodePorts !== false
  const mine = new Set(context.current ? heldPorts(context.current) : [])
  const byPort = new Map<number, number>()
  spec.ports?.forEach((port, i) => {
    if (!port.nodePort && !mayAllocate) return
    port.nodePort ||= byPort.get(port.port) ?? requestedFor(spec.ports!, port)
    if (!port.nodePort || !mine.has(port.nodePort)) port.nodePort = takePort(context, `spec.ports[${i}].nodePort`, port.nodePort)
    mine.add(port.nodePort)
    byPort.set(port.port, port.nodePort)
  })
}

/** The same port over another protocol may name the node port for both. */
const requestedFor = (ports: readonly ServicePort[], port: ServicePort) => ports.find((p) => p.port === port.port && p.nodePort)?.nodePort

function takePort(context: Context, field: string, wanted: number | undefined): number {
  const [first, last] = context.nodePortRange.split('-').map(Number) as [number, number]
  if (wanted === undefined || wanted === 0) {
    const found = pick({ first, last: last + 1, take: (port) => takes(context, context.ports, port), random: context.random })
    if (found === undefined) throw internalError('failed to allocate a nodePort: range is full')
    return found
  }
  if (wanted < first || wanted > last) refuse(context.draft, [invalid(field, wanted, `provided port is not in the valid range. The range of valid ports is ${context.nodePortRange}`)])
  if (!takes(context, context.ports, wanted)) refuse(context.draft, [invalid(field, wanted, 'provided port is already allocated')])
  return wanted
}

function refuse(service: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidError({ group: '', kind: 'Service' }, service.metadata?.name ?? '', errors)
}
