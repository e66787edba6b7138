// The Endpoints object of a service with a selector: the older form of EndpointSlices.
import type { CoreV1EndpointPort, EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { canonical } from '../common/hash.ts'
import { isDeleting } from '../common/owner.ts'
import { isReady } from '../common/pods.ts'
import { addressesOf, hasClusterIp, hostnameFor, isIpv6, podsBehind, portOn } from '../common/service-pods.ts'
import { headlessLabel } from '../common/slices.ts'

export const managedByLabel = 'endpoints.kubernetes.io/managed-by'
export const managedBy = 'endpoint-controller'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
const mostAddresses = 1000

interface Observed {
  /** Absent when it was deleted. */
  service: Stored<Service> | undefined
  pods: readonly Stored<Pod>[]
  present: Stored<Endpoints> | undefined
}

type EndpointsStep =
  | { do: 'create'; endpoints: Endpoints }
  | { do: 'update'; endpoints: Stored<Endpoints> }
  | { do: 'delete'; endpoints: Stored<Endpoints> }

export function planEndpoints({ service, pods, present }: Observed): Plan<EndpointsStep> {
  if (!service) return present ? { steps: [{ do: 'delete', endpoints: present }] } : nothingToDo
  if (!service.spec?.selector || service.spec.type === 'ExternalName' || isDeleting(service)) return nothingToDo
  const { subsets, truncated } = limited(subsetsOf(service, pods))
  const labels = { ...withoutReserved(service.metadata.labels), ...(hasClusterIp(service) ? {} : { [headlessLabel]: '' }), [managedByLabel]: managedBy }
  const { [overCapacity]: _, ...others } = present?.metadata.annotations ?? {}
  const annotations = truncated ? { ...others, [overCapacity]: 'truncated' } : others
  const { name, namespace } = service.metadata
  if (!present) return { steps: [{ do: 'create', endpoints: { metadata: { name, namespace, labels, annotations }, subsets } }] }
  const same = canonical([present.subsets ?? [], present.metadata.labels, present.metadata.annotations ?? {}]) === canonical([subsets, labels, annotations])
  return same ? nothingToDo : { steps: [{ do: 'update', endpoints: { ...present, metadata: { ...present.metadata, labels, annotations }, subsets } }] }
}

function withoutReserved(labels: Record<string, string> | undefined): Record<string, string> {
  const { [headlessLabel]: _, [managedByLabel]: __, ...others } = labels ?? {}
  return others
}

function subsetsOf(service: Stored<Service>, pods: readonly Stored<Pod>[]): EndpointSubset[] {
  const tolerant = service.spec?.publishNotReadyAddresses ?? false
  const groups = new Map<string, { ports: CoreV1EndpointPort[]; addresses: EndpointAddress[]; notReadyAddresses: EndpointAddress[] }>()
  for (const pod of podsBehind(service, pods)) {
    const ip = addressesOf(pod).find((address) => isIpv6(address) === usesIpv6(service))
    if (!ip || (isDeleting(pod) && !tolerant)) continue
    const ports = portsOf(service, pod)
    if (!ports.length && (service.spec?.ports?.length || hasClusterIp(service))) continue
    const group = groups.get(canonical(ports)) ?? { ports, addresses: [], notReadyAddresses: [] }
    groups.set(canonical(ports), group)
    group[tolerant || isReady(pod) ? 'addresses' : 'notReadyAddresses'].push(addressOf(service, pod, ip))
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { ports, addresses, notReadyAddresses }]) => ({
    ...(addresses.length ? { addresses: sorted(addresses) } : {}), ...(notReadyAddresses.length ? { notReadyAddresses: sorted(notReadyAddresses) } : {}),
    ...(ports.length ? { ports } : {}),
  }))
}

const sorted = (addresses: readonly EndpointAddress[]): EndpointAddress[] => [...addresses].sort((a, b) => (a.ip < b.ip ? -1 : 1))

const usesIpv6 = ({ spec }: Service): boolean => (spec?.ipFamilies?.length ? spec.ipFamilies[0] === 'IPv6' : isIpv6(spec?.clusterIP ?? ''))

const portsOf = (service: Service, pod: Pod): CoreV1EndpointPort[] =>
  (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = portOn(pod, servicePort)
    const { name, protocol = 'TCP', appProtocol } = servicePort
    return port === undefined ? [] : [{ ...(name ? { name } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) }]
  })

function addressOf(service: Stored<Service>, pod: Stored<Pod>, ip: string): EndpointAddress {
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameFor(pod, service)
  return { ip, ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}), ...(hostname ? { hostname } : {}), targetRef: { kind: 'Pod', namespace, name, uid } }
}

/** Ready addresses go before others. */
function limited(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const count = (field: 'addresses' | 'notReadyAddresses') => subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0)
  if (count('addresses') + count('notReadyAddresses') <= mostAddresses) return { subsets, truncated: false }
  let ready = mostAddresses
  let others = Math.max(0, mostAddresses - count('addresses'))
  const cut = subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const kept = { addresses: addresses.slice(0, ready), notReadyAddresses: notReadyAddresses.slice(0, others) }
    ready -= kept.addresses.length
    others -= kept.notReadyAddresses.length
    return { ...kept, ...(ports ? { ports } : {}) }
  })
  return { subsets: cut, truncated: true }
}
