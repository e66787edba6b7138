// The EndpointSlices of a service with a selector.
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice, Node, Pod, Service } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { services } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { canonical } from '../common/hash.ts'
import { controllerRefTo, isDeleting } from '../common/owner.ts'
import { isReady } from '../common/pods.ts'
import { addressesOf, hasClusterIp, hostnameFor, isIpv6, podsBehind, portOn } from '../common/service-pods.ts'
import { headlessLabel, managedByLabel, planSlices, serviceNameLabel, type EndpointGroup, type SliceStep } from '../common/slices.ts'

export const managedBy = 'endpointslice-controller.k8s.io'
const mostEndpoints = 100
const reserved = new Set([serviceNameLabel, managedByLabel, headlessLabel])

interface Observed {
  service: Stored<Service>
  /** Of the service's namespace. */
  pods: readonly Stored<Pod>[]
  node(name: string): Stored<Node> | undefined
  slices: readonly Stored<EndpointSlice>[]
}

export function planEndpointSlices(observed: Observed): Plan<SliceStep> {
  const { service, slices } = observed
  if (!service.spec?.selector || isDeleting(service) || service.spec.type === 'ExternalName') return nothingToDo
  const { name, namespace = '' } = service.metadata
  const labels = Object.fromEntries(Object.entries(service.metadata.labels ?? {}).filter(([key]) => !reserved.has(key)))
  const owner = {
    namespace, generateName: `${name}-`, annotations: {}, most: mostEndpoints, ownerReference: controllerRefTo(service, services as ResourceRef),
    labels: { ...labels, ...(hasClusterIp(service) ? {} : { [headlessLabel]: '' }), [serviceNameLabel]: name, [managedByLabel]: managedBy },
  }
  return { steps: [planSlices(owner, addressTypes(service).flatMap((type) => groupsOf(observed, type)), slices.filter((slice) => !isDeleting(slice)))] }
}

function addressTypes({ spec }: Service): string[] {
  if (spec?.ipFamilies?.length) return spec.ipFamilies
  return spec?.clusterIP && spec.clusterIP !== 'None' ? [isIpv6(spec.clusterIP) ? 'IPv6' : 'IPv4'] : ['IPv4', 'IPv6']
}

function groupsOf(observed: Observed, addressType: string): EndpointGroup[] {
  const { service, pods } = observed
  const groups = new Map<string, { ports: DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }>()
  for (const pod of podsBehind(service, pods)) {
    const addresses = addressesOf(pod).filter((address) => isIpv6(address) === (addressType === 'IPv6'))
    if (!addresses.length) continue
    const ports = portsOf(service, pod)
    const key = canonical(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    groups.set(key, group)
    group.endpoints.push(endpointOf(observed, pod, addresses))
  }
  if (!groups.size) groups.set('', { ports: [], endpoints: [] })
  return [...groups.values()].map((group) => ({ addressType, ...group }))
}

function portsOf(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = portOn(pod, servicePort)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, port, protocol, ...(appProtocol ? { appProtocol } : {}) }]
  })
}

function endpointOf({ service, node }: Observed, pod: Stored<Pod>, addresses: string[]): Endpoint {
  const serving = isReady(pod)
  const terminating = isDeleting(pod)
  const ready = service.spec?.publishNotReadyAddresses || (serving && !terminating)
  const { name, namespace, uid } = pod.metadata
  const nodeName = pod.spec?.nodeName
  const zone = nodeName ? node(nodeName)?.metadata.labels?.['topology.kubernetes.io/zone'] : undefined
  const hostname = hostnameFor(pod, service)
  const hints = ready ? hintsOf(service, zone, nodeName) : undefined
  return {
    addresses, conditions: { ready, serving, terminating }, targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName ? { nodeName } : {}), ...(zone ? { zone } : {}), ...(hostname ? { hostname } : {}), ...(hints ? { hints } : {}),
  }
}

function hintsOf({ spec }: Service, zone: string | undefined, nodeName: string | undefined): Endpoint['hints'] {
  const near = spec?.trafficDistribution
  const zones = zone && (near === 'PreferClose' || near === 'PreferSameZone' || near === 'PreferSameNode') ? { forZones: [{ name: zone }] } : {}
  const nodes = nodeName && near === 'PreferSameNode' ? { forNodes: [{ name: nodeName }] } : {}
  return 'forZones' in zones || 'forNodes' in nodes ? { ...zones, ...nodes } : undefined
}
