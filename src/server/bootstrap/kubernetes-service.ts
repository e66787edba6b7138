// The Service `default/kubernetes`, by which pods find this server, with its Endpoints and EndpointSlice. Kept in step with the address.
import type { Endpoints, EndpointSlice, Service, ServiceCIDR } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { endpoints, endpointslices, servicecidrs, services } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { isNotFound } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'

interface AdvertisedAddress {
  /** Where pods reach the server. */
  address: string
  port: number
  /** The first address of the service range. */
  serviceIp: string
  /** The service range; without it no ServiceCIDR is kept. */
  serviceCidr?: string
}

const name = 'kubernetes'
const namespace = 'default'
const labels = { component: 'apiserver', provider: 'kubernetes' }

export async function reconcileKubernetesService(client: Client, advertised: AdvertisedAddress): Promise<void> {
  if (advertised.serviceCidr) await reconcileServiceCidr(client, advertised.serviceCidr)
  await ensure(client, services, serviceFor(advertised), (now, wanted) => now.spec?.ports?.[0]?.targetPort === wanted.spec!.ports![0]!.targetPort)
  await ensure(client, endpoints, endpointsFor(advertised), (now, wanted) => same(now.subsets, wanted.subsets))
  await ensure(client, endpointslices, sliceFor(advertised), (now, wanted) => same([now.endpoints, now.ports], [wanted.endpoints, wanted.ports]))
}

/** The range that Services get their addresses from, as an object. */
async function reconcileServiceCidr(client: Client, cidr: string): Promise<void> {
  const wanted: ServiceCIDR = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name, finalizers: ['networking.k8s.io/service-cidr-finalizer'] }, spec: { cidrs: [cidr] } }
  const resource = client.resource(servicecidrs)
  const now = await resource.get(name).catch((error: unknown) => {
    if (isNotFound(error)) return resource.create(wanted)
    throw error
  })
  if (now.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return
  const condition = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: now.metadata.creationTimestamp }
  await resource.updateStatus({ ...now, status: { conditions: [condition] } })
}

const serviceFor = ({ port, serviceIp }: AdvertisedAddress): Service => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels },
  spec: {
    type: 'ClusterIP', clusterIP: serviceIp, clusterIPs: [serviceIp], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None',
    ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
  },
})

const endpointsFor = ({ address, port }: AdvertisedAddress): Endpoints => ({
  apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
})

const sliceFor = ({ address, port }: AdvertisedAddress): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
  addressType: address.includes(':') ? 'IPv6' : 'IPv4', endpoints: [{ addresses: [address], conditions: { ready: true } }], ports: [{ name: 'https', port, protocol: 'TCP' }],
})

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

async function ensure<T extends KubeObject>(client: Client, ref: ResourceRef<T>, wanted: T, isThere: (now: Stored<T>, wanted: T) => boolean): Promise<void> {
  const resource = client.resource(ref, namespace)
  try {
    const now = await resource.get(name)
    if (!isThere(now, wanted)) await resource.update({ ...wanted, metadata: { ...now.metadata, labels: { ...now.metadata.labels, ...wanted.metadata!.labels } } })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await resource.create(wanted)
  }
}
