// The agent against the whole API server in memory, with a node's rights and no more.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Pod, PodSpec } from '../api/generated/types.ts'
import type { UserInfo } from '../api/user.ts'
import { configmaps, events, leases, namespaces, nodes, pods, secrets, serviceaccounts } from '../api/refs.ts'
import { builtinResources } from '../api/resources/index.ts'
import { apiServerUser, nodeUser } from '../api/user.ts'
import { systemClock } from '../base/clock.ts'
import type { Running } from '../base/component.ts'
import { createLogger, type Logger } from '../base/logger.ts'
import { createClient } from '../client/create-client.ts'
import { createInformerFactory } from '../client/informer-factory.ts'
import type { InformerFactory } from '../client/informer.ts'
import { LoopbackTransport } from '../client/loopback-transport.ts'
import { ensureServerPki } from '../pki/server-pki.ts'
import { FakeRuntime } from '../runtime/fake.ts'
import { createApiServer, type ApiServer } from '../server/api-server.ts'
import { reconcileBootstrapRbac } from '../server/authorization/reconcile-bootstrap.ts'
import { createSecurity } from '../server/security.ts'
import { MemoryStorage } from '../storage/memory.ts'
import { createAgent } from './index.ts'
import type { Mounter } from './volumes/mounter.ts'

const mounter: Mounter = { mount: async () => {}, unmount: async () => {}, below: async () => [], typeAt: async () => undefined }
const log: Logger = createLogger({ level: 'warn', format: 'text', clock: systemClock, write: (line) => void complaints.push(line) })
const complaints: string[] = []
let directory: string
let server: ApiServer
let runtime: FakeRuntime
let running: Running
let informers: InformerFactory
const clientFor = (user: UserInfo) => createClient(new LoopbackTransport(server, user))
const admin = () => clientFor(apiServerUser)
const eventually = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mk8s-agent-server-'))
  const pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n1', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  const security = createSecurity({ pki, issuer: 'https://kubernetes.default.svc', clock: systemClock, client: () => admin() })
  server = await createApiServer({ storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log, ...security })
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) await admin().resource(namespaces).create({ metadata: { name } })
  await admin().resource(serviceaccounts, 'default').create({ metadata: { name: 'default', namespace: 'default' } })
  await admin().resource(configmaps, 'default').create({ metadata: { name: 'kube-root-ca.crt', namespace: 'default' }, data: { 'ca.crt': 'the CA' } })
  await reconcileBootstrapRbac(admin())
  runtime = new FakeRuntime({ clock: systemClock })
  runtime.addImage('web:1')
  const client = clientFor(nodeUser('n1'))
  informers = createInformerFactory({ client, clock: systemClock, log })
  const agent = createAgent({
    client, informers, runtime, nodeName: 'n1', nodeIps: () => ['192.0.2.1'], clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', port: 10250, version: 'v1.36.3+mk8s1',
    directories: { root: join(directory, 'agent'), podLogs: join(directory, 'pods'), containerLogs: join(directory, 'containers') }, cgroupDriver: 'systemd', clock: systemClock, log, mounter,
  })
  running = await agent.start(new AbortController().signal)
})
afterAll(async () => {
  await running.stop(AbortSignal.timeout(5000))
  await informers.stop()
  server.stop()
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
})

const create = (name: string, spec: Partial<PodSpec> = {}): Promise<Pod> =>
  admin().resource(pods, 'default').create({ metadata: { name, namespace: 'default', labels: { app: name } }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'web:1' }], ...spec } })
const get = (name: string) => admin().resource(pods, 'default').get(name)

test('the node registers, is Ready and renews its lease', async () => {
  const node = await eventually(() => admin().resource(nodes).get('n1'))
  expect(node.status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({ status: 'True', message: 'kubelet is posting ready status' })
  expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' })
  expect((await eventually(() => admin().resource(leases, 'kube-node-lease').get('n1'))).spec?.holderIdentity).toBe('n1')
})

test('a pod with a token of its service account runs and is deleted in its grace', async () => {
  await create('web')
  const pod = await eventually(async () => {
    const found = await get('web')
    expect(found.status?.phase).toBe('Running')
    return found
  })
  expect(pod.status).toMatchObject({ qosClass: 'BestEffort', hostIP: '192.0.2.1', observedGeneration: 1 })
  expect(pod.status?.conditions?.find((c) => c.type === 'Ready')?.status).toBe('True')
  const mounts = [...runtime.containers.values()][0]!.spec.mounts
  const credentials = mounts.find((m) => m.containerPath === '/var/run/secrets/kubernetes.io/serviceaccount')!
  expect(await readFile(join(credentials.hostPath, 'ca.crt'), 'utf8')).toBe('the CA')
  expect((await readFile(join(credentials.hostPath, 'token'), 'utf8')).split('.')).toHaveLength(3)
  await eventually(async () => {
    const reasons = (await admin().resource(events, 'default').list()).items.filter((e) => e.involvedObject.name === 'web').map((e) => e.reason)
    expect(reasons).toEqual(expect.arrayContaining(['Pulled', 'Created', 'Started']))
  })
  await admin().resource(pods, 'default').delete('web', { gracePeriodSeconds: 1 })
  await eventually(() => expect(get('web')).rejects.toThrow('not found'))
  await eventually(async () => expect(runtime.sandboxes.size).toBe(0))
})

test('secrets that the pod names can be read, and a ConfigMap that changes is shown changed', async () => {
  await admin().resource(secrets, 'default').create({ metadata: { name: 's', namespace: 'default' }, data: { k: Buffer.from('v').toString('base64') } })
  await create('late', {
    volumes: [{ name: 'cfg', configMap: { name: 'cfg' } }],
    containers: [{ name: 'c', image: 'web:1', env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }], volumeMounts: [{ name: 'cfg', mountPath: '/cfg' }] }],
  })
  await eventually(async () => expect((await admin().resource(events, 'default').list()).items.map((e) => e.reason)).toContain('FailedMount'))
  await admin().resource(configmaps, 'default').create({ metadata: { name: 'cfg', namespace: 'default' }, data: { a: '1' } })
  await eventually(async () => expect((await get('late')).status?.phase).toBe('Running'))
  const container = [...runtime.containers.values()].find((c) => c.status.labels['io.kubernetes.pod.name'] === 'late')!
  expect(container.spec.env).toContainEqual({ key: 'K', value: 'v' })
  const file = join(container.spec.mounts.find((m) => m.containerPath === '/cfg')!.hostPath, 'a')
  await admin().resource(configmaps, 'default').patch('cfg', { data: { a: '2' } }, { type: 'merge' })
  await eventually(async () => expect(await readFile(file, 'utf8')).toBe('2'))
})

test('conditions of others survive the agent, and readiness gates hold a pod back', async () => {
  await create('gated', { readinessGates: [{ conditionType: 'example.com/ready' }] })
  await eventually(async () => expect((await get('gated')).status?.conditions?.find((c) => c.type === 'Ready')?.message)
    .toBe('corresponding condition of pod readiness gate "example.com/ready" does not exist.'))
  await eventually(async () => expect((await get('gated')).status?.phase).toBe('Running'))
  await admin().resource(pods, 'default').patch('gated', { status: { conditions: [{ type: 'example.com/ready', status: 'True' }] } }, { type: 'strategic', subresource: 'status' })
  await eventually(async () => expect((await get('gated')).status?.conditions?.find((c) => c.type === 'Ready')?.status).toBe('True'))
  expect((await get('gated')).status?.conditions?.map((c) => c.type)).toContain('example.com/ready')
})

test('the API server is not asked for what a node may not do', () => {
  expect(complaints).toEqual([])
})
