// For tests: an API server over HTTPS, and the kubelet's API of one node whose pods are those the test has put into the API server.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubeletEndpoints } from '../../src/agent/endpoints/server.ts'
import type { PodLookup } from '../../src/agent/pod-lookup.ts'
import type { Pod } from '../../src/api/generated/types.ts'
import { namespaces, nodes, pods } from '../../src/api/refs.ts'
import { builtinResources } from '../../src/api/resources/index.ts'
import { apiServerUser, mastersUser } from '../../src/api/user.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createClient } from '../../src/client/create-client.ts'
import { LoopbackTransport } from '../../src/client/loopback-transport.ts'
import { renderKubeconfig } from '../../src/pki/kubeconfig.ts'
import { ensureServerPki } from '../../src/pki/server-pki.ts'
import type { ContainerRuntime } from '../../src/runtime/container-runtime.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { createApiServer } from '../../src/server/api-server.ts'
import { openHttpFrontEnd } from '../../src/server/http/front-end.ts'
import { connectHandlers } from '../../src/server/connect/index.ts'

export async function startTestCluster(runtime: ContainerRuntime) {
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-connect-'))
  const pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'node', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  const identity = () => ({ key: pki.kubeletAccess.key, certificate: pki.kubeletAccess.certificate, authority: pki.serverCa.certificate })
  const server = await createApiServer({
    storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log: silentLogger,
    createAuthorizer: () => ({ authorize: () => ({ verdict: 'allow', reason: '' }) }),
    createSubresources: (_reader, authorizer) => connectHandlers({ access: { identity }, authorizer, random: () => 0 }),
  })
  const client = createClient(new LoopbackTransport(server, apiServerUser))
  const sandboxes = new Map<string, string>()
  const lookup: PodLookup = {
    pods: () => [...server.reader.list(pods)],
    pod: (namespace, name) => server.reader.get(pods, name, namespace),
    sandboxId: (namespace, name) => sandboxes.get(`${namespace}/${name}`),
    container(namespace, name, container) {
      const pod = server.reader.get(pods, name, namespace)
      const id = pod?.status?.containerStatuses?.find((status) => status.name === container)?.containerID?.replace('containerd://', '')
      return pod && { pod, id, state: 'running', logPath: undefined, previous: undefined }
    },
  }
  const endpoints = kubeletEndpoints({
    address: '127.0.0.1', port: 0, tls: () => ({ ...pki.kubelet.serving, clientCa: pki.clientCa.certificate }),
    access: { authenticate: async ({ certificate }) => (certificate ? { name: certificate.commonName, groups: [] } : undefined), authorize: async () => true },
    context: { nodeName: 'node', pods: lookup, runtime, clock: systemClock, log: silentLogger, configuration: () => ({}) },
  })
  const kubelet = await endpoints.start(new AbortController().signal)
  const front = await openHttpFrontEnd({
    host: '127.0.0.1', port: 0, api: server, authenticate: async () => mastersUser, log: silentLogger,
    tls: { certificate: pki.serving.certificate, key: pki.serving.key, clientAuthorities: [pki.clientCa.certificate] },
  })
  await client.resource(namespaces).create({ metadata: { name: 'default' } })
  const node = await client.resource(nodes).create({ metadata: { name: 'node' } })
  await client.resource(nodes).updateStatus({ ...node, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: endpoints.port() } } } })
  const url = `https://127.0.0.1:${front.address.port}`

  return {
    client, url, ca: pki.serverCa.certificate, sandboxes,
    kubeconfig: renderKubeconfig({ server: url, authority: pki.serverCa.certificate, client: pki.admin }),
    /** Bound to the node, with the status given. */
    async addPod(name: string, spec: Pod['spec'], status: Pod['status']): Promise<void> {
      const pod = await client.resource(pods, 'default').create({ metadata: { name, namespace: 'default' }, spec: { ...spec!, nodeName: 'node' } })
      await client.resource(pods, 'default').updateStatus({ ...pod, status })
    },
    async stop() {
      server.stop()
      await front.stop(AbortSignal.timeout(100))
      await kubelet.stop(AbortSignal.timeout(1000))
      rmSync(directory, { recursive: true })
    },
  }
}
