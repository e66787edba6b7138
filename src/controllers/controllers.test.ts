// The workload controllers against a whole server in memory, as one user sees them: objects in, objects out.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Deployment, Pod, PodTemplateSpec, Taint } from '../api/generated/types.ts'
import type { Stored } from '../api/object.ts'
import { configmaps, daemonsets, deployments, endpoints, endpointslices, jobs, namespaces, nodes, persistentvolumeclaims, pods, replicasets, serviceaccounts, services, statefulsets } from '../api/refs.ts'
import { builtinResources } from '../api/resources/index.ts'
import { apiServerUser, mastersUser } from '../api/user.ts'
import { systemClock } from '../base/clock.ts'
import type { Running } from '../base/component.ts'
import { createLogger } from '../base/logger.ts'
import { createClient } from '../client/create-client.ts'
import { LoopbackTransport } from '../client/loopback-transport.ts'
import { ensureServerPki } from '../pki/server-pki.ts'
import { createApiServer, type ApiServer } from '../server/api-server.ts'
import { reconcileBootstrapRbac } from '../server/authorization/reconcile-bootstrap.ts'
import { createSecurity } from '../server/security.ts'
import { MemoryStorage } from '../storage/memory.ts'
import { createControllers } from './index.ts'

let server: ApiServer
let running: Running
let directory: string
let authority: string
const log = createLogger({ level: 'warn', format: 'text', clock: systemClock, write: (line) => process.stderr.write(line) })
const clientOf = () => createClient(new LoopbackTransport(server, mastersUser))
const eventually = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 10_000, interval: 10 })

const template = (labels: Record<string, string>, image = 'app:1'): PodTemplateSpec => ({
  metadata: { labels }, spec: { containers: [{ name: 'app', image, ports: [{ containerPort: 80 }] }] },
})

const web = (replicas: number): Deployment => ({
  metadata: { name: 'web', namespace: 'shop' }, spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template({ app: 'web' }) },
})

/** Plays the kubelet: runs every pod of the namespace at once, and lets go of deleted ones. */
async function playKubelet(signal: AbortSignal): Promise<void> {
  const of = clientOf().resource(pods, 'shop')
  let address = 0
  for await (const { type, object } of of.watch({ sendInitialEvents: true, allowWatchBookmarks: true, signal })) {
    if (type !== 'ADDED' && type !== 'MODIFIED') continue
    const { name } = object.metadata
    if (object.metadata.deletionTimestamp) await of.delete(name, { gracePeriodSeconds: 0 }).catch(() => {})
    else if (object.status?.phase === 'Pending') await of.updateStatus({ ...object, status: statusFor(object, `10.0.0.${++address}`) }).catch(() => {})
  }
}

const readyAt = (ip: string): Pod['status'] => ({
  phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString().slice(0, 19) + 'Z' }],
})

const statusFor = (pod: Pod, ip: string): Pod['status'] => {
  const phase = pod.metadata?.annotations?.['ends']
  return phase ? { phase } : readyAt(ip)
}

const stopKubelet = new AbortController()

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'controllers-'))
  const pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n1', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  authority = pki.serverCa.certificate
  const security = createSecurity({ pki, issuer: 'https://kubernetes.default.svc', clock: systemClock, client: () => createClient(new LoopbackTransport(server, apiServerUser)) })
  server = await createApiServer({ storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log, ...security })
  for (const name of ['kube-system', 'kube-public', 'default', 'shop']) await clientOf().resource(namespaces).create({ metadata: { name } })
  await reconcileBootstrapRbac(clientOf())
  const controllers = createControllers({
    clientFor: (user) => createClient(new LoopbackTransport(server, user)),
    identity: 'test', pki, clusterCidr: '10.42.0.0/16', clock: systemClock, log,
  })
  running = await controllers.start(new AbortController().signal)
  void playKubelet(stopKubelet.signal)
})
afterAll(async () => {
  stopKubelet.abort(new Error('done'))
  await running.stop(new AbortController().signal)
  server.stop()
  rmSync(directory, { recursive: true })
})

test('a namespace gets its service account and the root CA', async () => {
  await eventually(async () => {
    expect(await clientOf().resource(serviceaccounts, 'shop').get('default')).toBeDefined()
    expect((await clientOf().resource(configmaps, 'shop').get('kube-root-ca.crt')).data).toEqual({ 'ca.crt': authority })
  })
})

test('a deployment rolls out, scales, updates and goes with all it made', async () => {
  const client = clientOf()
  const of = client.resource(deployments, 'shop')
  const complete = (n: number, revision: string) => eventually(async () => {
    const { status, metadata } = await of.get('web')
    expect(status).toMatchObject({ replicas: n, updatedReplicas: n, readyReplicas: n, availableReplicas: n, observedGeneration: metadata.generation })
    expect(metadata.annotations?.['deployment.kubernetes.io/revision']).toBe(revision)
    return status
  })
  await of.create(web(3))
  const status = await complete(3, '1')
  await client.resource(services, 'shop').create({ metadata: { name: 'web', namespace: 'shop' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
  await eventually(async () => {
    const { items } = await client.resource(endpointslices, 'shop').list({ labelSelector: 'kubernetes.io/service-name=web' })
    expect(items.flatMap((slice) => slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready)).toHaveLength(3)
    expect((await client.resource(endpoints, 'shop').get('web')).subsets?.[0]?.addresses).toHaveLength(3)
  })
  expect(status?.conditions?.map((c) => [c.type, c.status, c.reason])).toContainEqual(['Available', 'True', 'MinimumReplicasAvailable'])
  await eventually(async () => expect((await of.get('web')).status?.conditions?.find((c) => c.type === 'Progressing')?.reason).toBe('NewReplicaSetAvailable'))
  await of.patch('web', { spec: { replicas: 5 } }, { type: 'merge' })
  await complete(5, '1')
  await of.patch('web', { spec: { template: template({ app: 'web' }, 'app:2') } }, { type: 'merge' })
  await complete(5, '2')
  expect((await client.resource(replicasets, 'shop').list()).items.map((set) => set.spec?.replicas).sort()).toEqual([0, 5])
  await of.delete('web', { propagationPolicy: 'Foreground' })
  await eventually(async () => expect((await client.resource(pods, 'shop').list()).items).toEqual([]))
  await eventually(async () => expect((await of.list()).items).toEqual([]))
})

test('orphaned pods are adopted again by a set that selects them', async () => {
  const client = clientOf()
  const set = { metadata: { name: 'solo', namespace: 'shop' }, spec: { replicas: 2, selector: { matchLabels: { app: 'solo' } }, template: template({ app: 'solo' }) } }
  const created = await client.resource(replicasets, 'shop').create(set)
  const owned = (uid: string) => eventually(async () => {
    const { items } = await client.resource(pods, 'shop').list({ labelSelector: 'app=solo' })
    expect(items.map((pod: Stored<Pod>) => pod.metadata.ownerReferences?.[0]?.uid)).toEqual([uid, uid])
    return items.map((pod) => pod.metadata.name)
  })
  const names = await owned(created.metadata.uid)
  await client.resource(replicasets, 'shop').delete('solo', { propagationPolicy: 'Orphan' })
  await eventually(async () => expect((await client.resource(replicasets, 'shop').list()).items).toEqual([]))
  const again = await client.resource(replicasets, 'shop').create(set)
  expect(await owned(again.metadata.uid)).toEqual(names)
})

test('a stateful set comes in order, is updated from the end, and keeps its claims', async () => {
  const client = clientOf()
  const of = client.resource(statefulsets, 'shop')
  await of.create({
    metadata: { name: 'db', namespace: 'shop' },
    spec: {
      replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template({ app: 'db' }),
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    },
  })
  const complete = (image: string) => eventually(async () => {
    const { status, metadata } = await of.get('db')
    expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3, currentReplicas: 3, observedGeneration: metadata.generation })
    expect(status?.currentRevision).toBe(status?.updateRevision)
    const { items } = await client.resource(pods, 'shop').list({ labelSelector: 'app=db' })
    expect(items.map((pod) => [pod.metadata.name, pod.spec?.containers[0]?.image, pod.spec?.hostname])).toEqual(['db-0', 'db-1', 'db-2'].map((name) => [name, image, name]))
  })
  await complete('app:1')
  await of.patch('db', { spec: { template: template({ app: 'db' }, 'app:2') } }, { type: 'merge' })
  await complete('app:2')
  await of.patch('db', { spec: { replicas: 1 } }, { type: 'merge' })
  await eventually(async () => expect((await of.get('db')).status?.replicas).toBe(1))
  expect((await client.resource(persistentvolumeclaims, 'shop').list()).items.map((c) => c.metadata.name)).toEqual(['data-db-0', 'data-db-1', 'data-db-2'])
})

test('a daemon runs on every node that fits, and is replaced node by node', async () => {
  const client = clientOf()
  const node = async (name: string, taints: Taint[] = []) => {
    await client.resource(nodes).create({ metadata: { name } })
    // admission has marked it as not ready
    await client.resource(nodes).patch(name, { spec: { taints } }, { type: 'merge' })
  }
  for (const name of ['n1', 'n2']) await node(name)
  await node('n3', [{ key: 'only', value: 'gpu', effect: 'NoSchedule' }])
  const of = client.resource(daemonsets, 'shop')
  await of.create({ metadata: { name: 'agent', namespace: 'shop' }, spec: { selector: { matchLabels: { app: 'agent' } }, template: template({ app: 'agent' }) } })
  const complete = (image: string) => eventually(async () => {
    const { status, metadata } = await of.get('agent')
    expect(status).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 2, numberAvailable: 2, updatedNumberScheduled: 2, numberMisscheduled: 0, observedGeneration: metadata.generation })
    const { items } = await client.resource(pods, 'shop').list({ labelSelector: 'app=agent' })
    expect(items.map((pod) => pod.spec?.containers[0]?.image)).toEqual([image, image])
  })
  await complete('app:1')
  await of.patch('agent', { spec: { template: template({ app: 'agent' }, 'app:2') } }, { type: 'merge' })
  await complete('app:2')
})

const task: PodTemplateSpec = { metadata: { annotations: { ends: 'Succeeded' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'app:1' }] } }
const failing: PodTemplateSpec = { ...task, metadata: { annotations: { ends: 'Failed' } } }

test('an indexed job runs each index once, counts its pods and completes', async () => {
  const client = clientOf()
  await client.resource(jobs, 'shop').create({ metadata: { name: 'count', namespace: 'shop' }, spec: { completions: 5, parallelism: 2, completionMode: 'Indexed', template: task } })
  await eventually(async () => {
    const { status } = await client.resource(jobs, 'shop').get('count')
    expect(status).toMatchObject({ succeeded: 5, completedIndexes: '0-4', ready: 0, terminating: 0, uncountedTerminatedPods: {} })
    expect(status?.conditions?.map((c) => [c.type, c.reason])).toEqual([['SuccessCriteriaMet', 'CompletionsReached'], ['Complete', 'CompletionsReached']])
    expect(status?.active).toBeUndefined()
  })
  const { items } = await client.resource(pods, 'shop').list({ labelSelector: 'job-name=count' })
  expect(items.map((pod) => [pod.spec?.hostname, pod.metadata.finalizers ?? []]).sort()).toEqual([0, 1, 2, 3, 4].map((n) => [`count-${n}`, []]))
})

test('a job without retries fails with its first pod, and pods are released when the job goes', async () => {
  const client = clientOf()
  const of = client.resource(jobs, 'shop')
  await of.create({ metadata: { name: 'bad', namespace: 'shop' }, spec: { backoffLimit: 0, template: failing } })
  await eventually(async () => {
    const { status } = await of.get('bad')
    expect(status).toMatchObject({ failed: 1 })
    expect(status?.conditions?.map((c) => [c.type, c.reason])).toEqual([['FailureTarget', 'BackoffLimitExceeded'], ['Failed', 'BackoffLimitExceeded']])
  })
  await of.delete('bad', { propagationPolicy: 'Background' })
  await eventually(async () => expect((await client.resource(pods, 'shop').list({ labelSelector: 'job-name=bad' })).items).toEqual([]))
})

test('a job that is done goes after its time to live', async () => {
  const of = clientOf().resource(jobs, 'shop')
  await of.create({ metadata: { name: 'brief', namespace: 'shop' }, spec: { ttlSecondsAfterFinished: 0, template: task } })
  await eventually(async () => expect((await of.list()).items.map((job) => job.metadata.name)).not.toContain('brief'))
})

test('a deleted namespace goes when everything in it has gone', async () => {
  await clientOf().resource(namespaces).delete('shop')
  await eventually(async () => expect((await clientOf().resource(namespaces).list()).items.map((n) => n.metadata.name)).not.toContain('shop'))
})
