// Endpoints that a user wrote for a service without a selector, mirrored as EndpointSlices.
import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice, EndpointSubset, Service } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { endpoints as endpointsRef } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { type Plan } from '../../controller/definition.ts'
import { controllerRefTo, isDeleting } from '../common/owner.ts'
import { isIpv6 } from '../common/service-pods.ts'
import { headlessLabel, managedByLabel, planSlices, serviceNameLabel, type EndpointGroup, type SliceStep } from '../common/slices.ts'

export const managedBy = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const notMirrored = new Set(['kubectl.kubernetes.io/last-applied-configuration', 'endpoints.kubernetes.io/last-change-trigger-time'])
const mostEndpoints = 1000

interface Observed {
  endpoints: Stored<Endpoints> | undefined
  service: Stored<Service> | undefined
  slices: readonly Stored<EndpointSlice>[]
}

export function planMirror({ endpoints, service, slices }: Observed): Plan<SliceStep> {
  const present = slices.filter((slice) => !isDeleting(slice))
  if (!endpoints || !service || !isMirrored(endpoints) || service.spec?.selector) return { steps: [present.map((slice) => ({ do: 'deleteSlice', slice }))] }
  const { name, namespace = '' } = endpoints.metadata
  const owner = {
    namespace, generateName: `${name}-`, most: mostEndpoints, ownerReference: controllerRefTo(endpoints, endpointsRef as ResourceRef),
    labels: { ...without(endpoints.metadata.labels, new Set([headlessLabel])), [serviceNameLabel]: name, [managedByLabel]: managedBy },
    annotations: without(endpoints.metadata.annotations, notMirrored),
  }
  const groups = (endpoints.subsets ?? []).flatMap(groupsOf)
  return { steps: [planSlices(owner, groups, present)] }
}

const isMirrored = ({ metadata }: Endpoints): boolean => metadata?.labels?.[skipLabel] !== 'true' && metadata?.annotations?.[leaderAnnotation] === undefined

const without = (entries: Record<string, string> | undefined, names: ReadonlySet<string>): Record<string, string> =>
  Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => !names.has(key)))

function groupsOf({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): EndpointGroup[] {
  const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))].slice(0, mostEndpoints)
  const slicePorts = ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({ name, port, protocol, ...(appProtocol ? { appProtocol } : {}) }))
  return ['IPv4', 'IPv6']
    .map((addressType) => ({ addressType, ports: slicePorts, endpoints: all.filter(({ addresses: [ip = ''] }) => isIpv6(ip) === (addressType === 'IPv6')) }))
    .filter((group) => group.endpoints.length)
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return { addresses: [ip], conditions: { ready }, ...(hostname ? { hostname } : {}), ...(nodeName ? { nodeName } : {}), ...(targetRef ? { targetRef } : {}) }
}
