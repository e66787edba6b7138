// The Service `kube-dns` in kube-system: its cluster IP leads to the DNS servers of the nodes.
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { endpointslices, services } from '../api/refs.ts'
import { StatusError } from '../api/status-error.ts'
import type { Client } from '../client/client.ts'

const namespace = 'kube-system'
const name = 'kube-dns'
const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }
const ports = [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 'dns-tcp', port: 53, protocol: 'TCP' }]

export async function ensureDnsService(client: Client, options: { clusterIp: string; endpoint: string; nodeName: string }): Promise<void> {
  const service: Service = {
    metadata: { name, namespace, labels },
    spec: { clusterIP: options.clusterIp, ports: ports.map((port) => ({ ...port, targetPort: 53 })) },
  }
  const slice: EndpointSlice = {
    metadata: { name: `${name}-${options.nodeName}`, namespace, labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'mk8s' } },
    addressType: 'IPv4', endpoints: [{ addresses: [options.endpoint], conditions: { ready: true }, nodeName: options.nodeName }], ports,
  }
  await client.resource(services, namespace).create(service).catch(unlessThere)
  await client.resource(endpointslices, namespace).create(slice).catch(async (error: unknown) => {
    unlessThere(error)
    await client.resource(endpointslices, namespace).patch(slice.metadata!.name!, { endpoints: slice.endpoints, ports }, { type: 'merge' })
  })
}

function unlessThere(error: unknown): void {
  if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
}
