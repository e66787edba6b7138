import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Container, Pod, PodSpec } from '../api/generated/types.ts'
import { configmaps, events, leases, nodes, pods } from '../api/refs.ts'
import { systemClock } from '../base/clock.ts'
import type { Running } from '../base/component.ts'
import { silentLogger } from '../base/logger.ts'
import { createInformerFactory } from '../client/informer-factory.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'
import type { FakeRuntimeOptions } from '../runtime/fake.ts'
import { FakeRuntime } from '../runtime/fake.ts'
import { createAgent, type Agent } from './index.ts'
import type { AgentOptions } from './options.ts'
import { createMemoryApi, type MemoryApi } from './testing/memory-api.ts'
import type { Mounter } from './volumes/mounter.ts'

const noMounter: Mounter = { mount: async () => {}, unmount: async () => {}, below: async () => [], typeAt: async () => undefined }
const patient = { timeout: 4000 }
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface World {
  api: MemoryApi
  runtime: FakeRuntime
  directory: string
  agent: Agent
  running: Running
}

async function startWorld(options: Partial<FakeRuntimeOptions> = {}, given: Partial<World> = {}, gates: Pick<AgentOptions, 'networkReady' | 'servicesReady'> = {}): Promise<World> {
  const api = given.api ?? createMemoryApi()
  const runtime = given.runtime ?? new FakeRuntime({ clock: systemClock, images: ['docker.io/library/web:1'], ...options })
  if (!given.runtime) runtime.addImage('web:1')
  const directory = given.directory ?? (await mkdtemp(join(tmpdir(), 'mk8s-agent-')))
  const informers = createInformerFactory({ client: api.client, clock: systemClock, log: silentLogger })
  const agent = createAgent({
    client: api.client, informers, runtime, nodeName: 'n1', nodeIps: () => ['192.0.2.1'], clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', port: 10250, version: 'v1.36.3+mk8s1',
    directories: { root: join(directory, 'agent'), podLogs: join(directory, 'pods'), containerLogs: join(directory, 'containers') }, cgroupRoot: join(directory, 'cgroup'),
    clock: systemClock, log: silentLogger, mounter: noMounter, cgroupDriver: 'systemd', ...gates,
  })
  const running = await agent.start(new AbortController().signal)
  const stop = async () => {
    await running.stop(AbortSignal.timeout(5000))
    await informers.stop()
  }
  cleanups.push(stop)
  if (!given.directory) cleanups.unshift(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  return { api, runtime, directory, agent, running: { ...running, stop } }
}

function podOf(name: string, container: Partial<Container> = {}, spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: { name, namespace: 'default', uid: `u-${name}`, generation: 1 },
    spec: {
      nodeName: 'n1', enableServiceLinks: true, restartPolicy: 'Always', terminationGracePeriodSeconds: 1,
      containers: [{ name: 'c', image: 'web:1', imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', ...container }], ...spec,
    },
    status: { phase: 'Pending' },
  }
}

const statusOf = (api: MemoryApi, name: string) => api.get(pods, name, 'default')?.status
const reasons = (api: MemoryApi) => api.list(events).map((e) => e.reason)

test('a pod runs, its status says so, and deletion ends it', async () => {
  const { api, runtime, agent } = await startWorld()
  api.put(pods, podOf('web', { env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }, { name: 'URL', value: 'http://$(NODE)/$$' }] }))
  const running = await api.until(() => statusOf(api, 'web')?.phase === 'Running' && statusOf(api, 'web'))
  expect(running?.podIP).toMatch(/^10\.42\./)
  expect(running?.hostIP).toBe('192.0.2.1')
  expect(running?.conditions?.map(({ type, status }) => [type, status])).toEqual([
    ['PodReadyToStartContainers', 'True'], ['Initialized', 'True'], ['Ready', 'True'], ['ContainersReady', 'True'], ['PodScheduled', 'True'],
  ])
  expect(running?.containerStatuses?.[0]).toMatchObject({ name: 'c', ready: true, started: true, restartCount: 0, state: { running: {} } })
  const env = [...runtime.containers.values()][0]?.spec.env
  expect(env).toContainEqual({ key: 'URL', value: 'http://n1/$' })
  expect(agent.lookup.container('default', 'web', 'c')?.state).toBe('running')
  await api.until(() => reasons(api).includes('Started'))
  expect(reasons(api)).toEqual(expect.arrayContaining(['Pulled', 'Created', 'Started']))

  const pod = api.get(pods, 'web', 'default')!
  api.put(pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 1 } })
  await api.until(() => !api.get(pods, 'web', 'default'))
  await expect.poll(() => runtime.sandboxes.size).toBe(0)
})

test('a container that fails comes back after a while, and the status says why it waits', async () => {
  const { api, runtime } = await startWorld({ behaviour: () => ({ exit: { afterMilliseconds: 1, code: 3 } }) })
  api.put(pods, podOf('crash'))
  const waiting = await api.until(() => statusOf(api, 'crash')?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff' && statusOf(api, 'crash')?.containerStatuses?.[0])
  expect(waiting?.state?.waiting?.message).toBe('back-off 10s restarting failed container=c pod=crash_default(u-crash)')
  expect(waiting?.lastState?.terminated?.exitCode).toBe(3)
  expect(waiting?.restartCount).toBe(1)
  expect(runtime.containers.size).toBe(2)
  await api.until(() => reasons(api).includes('BackOff'))
})

test('a sandbox that fails and leaves something behind does not hold up the next one, nor one that ended unseen its containers', async () => {
  const { api, runtime } = await startWorld()
  const run = runtime.runSandbox.bind(runtime)
  const create = runtime.createContainer.bind(runtime)
  runtime.runSandbox = async (spec) => {
    const id = await run(spec)
    if (spec.attempt > 0) return id
    runtime.sandboxes.get(id)!.status.ready = false
    throw new RuntimeError('DeadlineExceeded', 'context deadline exceeded')
  }
  runtime.createContainer = async (id, ...rest) => {
    if (runtime.sandboxes.get(id)!.status.attempt === 1) runtime.sandboxes.get(id)!.status.ready = false
    return create(id, ...rest)
  }
  api.put(pods, podOf('web'))
  await api.until(() => statusOf(api, 'web')?.phase === 'Running')
  expect([...runtime.sandboxes.values()].map(({ spec, status }) => [spec.attempt, status.ready])).toEqual([[0, false], [1, false], [2, true]])
})

test('a pod that ends is Succeeded and keeps its container for its logs', async () => {
  const { api, runtime } = await startWorld({ behaviour: () => ({ exit: { afterMilliseconds: 1, code: 0 } }) })
  api.put(pods, podOf('once', {}, { restartPolicy: 'Never' }))
  const done = await api.until(() => statusOf(api, 'once')?.phase === 'Succeeded' && statusOf(api, 'once'))
  expect(done?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
  expect(done?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' })
  await expect.poll(() => [...runtime.sandboxes.values()].every((s) => !s.status.ready)).toBe(true)
  expect(runtime.containers.size).toBe(1)
})

test('init containers run one after the other, a sidecar stays', async () => {
  const { api, runtime } = await startWorld({ behaviour: (spec) => (spec.name === 'first' ? { exit: { afterMilliseconds: 1, code: 0 } } : {}) })
  const init = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'web:1', imagePullPolicy: 'IfNotPresent', ...more })
  api.put(pods, podOf('init', {}, { initContainers: [init('first'), init('sidecar', { restartPolicy: 'Always' })] }))
  await api.until(() => statusOf(api, 'init')?.phase === 'Running')
  expect([...runtime.containers.values()].map((c) => c.spec.name)).toEqual(['first', 'sidecar', 'c'])
})

test('what an image or a ConfigMap lacks is said in the words of upstream, and healed when it appears', async () => {
  const { api, runtime } = await startWorld({ pull: async () => Promise.reject(new Error('no such image')) })
  api.put(pods, podOf('nopull', { image: 'missing' }))
  api.put(pods, podOf('bad', { image: 'UPPER' }))
  api.put(pods, podOf('noenv', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'a' } } }] }))
  api.put(pods, podOf('novolume', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', configMap: { name: 'cfg' } }] }))
  const waitingFor = (name: string) => statusOf(api, name)?.containerStatuses?.[0]?.state?.waiting
  await api.until(() => waitingFor('nopull')?.reason === 'ErrImagePull')
  await api.until(() => waitingFor('bad')?.reason === 'InvalidImageName')
  const noEnv = await api.until(() => waitingFor('noenv')?.reason === 'CreateContainerConfigError' && waitingFor('noenv'))
  expect(noEnv?.message).toBe('configmap "cfg" not found')
  await api.until(() => api.list(events).some((e) => e.reason === 'FailedMount' && e.message === 'MountVolume.SetUp failed for volume "v" : configmap "cfg" not found'))
  api.put(configmaps, { metadata: { name: 'cfg', namespace: 'default' }, data: { a: '1' } })
  await api.until(() => statusOf(api, 'novolume')?.phase === 'Running')
  const mount = [...runtime.containers.values()].find((c) => c.status.labels['io.kubernetes.pod.name'] === 'novolume')?.spec.mounts.find((m) => m.containerPath === '/v')
  expect(await readFile(join(mount!.hostPath, 'a'), 'utf8')).toBe('1')
  api.put(configmaps, { metadata: { name: 'cfg', namespace: 'default' }, data: { a: '2' } })
  await expect.poll(() => readFile(join(mount!.hostPath, 'a'), 'utf8')).toBe('2')
})

test('the node registers, is Ready and keeps its lease', async () => {
  const { api } = await startWorld()
  const node = api.get(nodes, 'n1')
  expect(node?.status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  expect(node?.status?.capacity).toMatchObject({ pods: '110' })
  expect((await api.until(() => api.get(leases, 'n1', 'kube-node-lease')))?.spec?.leaseDurationSeconds).toBe(40)
})

test('after a restart running pods are adopted and orphans are ended', async () => {
  const first = await startWorld()
  first.api.put(pods, podOf('keep'))
  first.api.put(pods, podOf('lost'))
  await first.api.until(() => statusOf(first.api, 'keep')?.phase === 'Running' && statusOf(first.api, 'lost')?.phase === 'Running')
  await first.running.stop(AbortSignal.timeout(5000))
  first.api.remove(pods, 'lost', 'default')
  const second = await startWorld({}, first)
  await expect.poll(() => [...second.runtime.sandboxes.values()].map((s) => s.status.name)).toEqual(['keep'])
  expect(statusOf(second.api, 'keep')?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, ready: true })
  expect(second.runtime.calls.filter((c) => c.startsWith('startContainer'))).toHaveLength(2)
})

test('no sandbox is made before there is a network, no container starts before there are services, and important pods come first', async () => {
  const [network, services] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { api, runtime, directory } = await startWorld({}, {}, { networkReady: network.promise, servicesReady: services.promise })
  const names = ['a', 'b', 'c', 'd']
  for (const [n, name] of names.entries()) api.put(pods, podOf(name, {}, { priority: n === 2 ? 2_000_001_000 : n }))
  await expect.poll(async () => (await readdir(join(directory, 'pods'))).length, patient).toBe(names.length)
  expect(runtime.sandboxes.size).toBe(0)
  network.resolve()
  await expect.poll(() => [...runtime.sandboxes.values()].map(({ status }) => status.name), patient).toEqual(['c', 'd', 'b', 'a'])
  await expect.poll(() => runtime.calls.filter((call) => call.startsWith('imageStatus')).length, patient).toBe(names.length)
  expect(runtime.containers.size).toBe(0)
  services.resolve()
  await api.until(() => names.every((name) => statusOf(api, name)?.phase === 'Running'))
})

test('after a reboot into the past the newest sandbox and container are those of the last attempt', async () => {
  const clock = { ...systemClock, now: () => systemClock.now() }
  const first = await startWorld({ clock })
  first.api.put(pods, podOf('web'))
  await first.api.until(() => statusOf(first.api, 'web')?.phase === 'Running')
  await first.running.stop(AbortSignal.timeout(5000))
  first.runtime.crash()
  clock.now = () => systemClock.now() - 10 * 365 * 86_400_000
  const second = await startWorld({}, first)
  const status = () => statusOf(second.api, 'web')?.containerStatuses?.[0]
  await second.api.until(() => status()?.restartCount === 1 && status()?.ready)
  expect(status()?.lastState?.terminated?.exitCode).toBe(255)
  expect(second.runtime.calls.filter((call) => call.startsWith('runSandbox'))).toHaveLength(2)
})

test('what comes to light of a pod that is gone is ended at once', async () => {
  const { api, runtime } = await startWorld()
  api.put(pods, podOf('keep'))
  await api.until(() => statusOf(api, 'keep')?.phase === 'Running')
  const [sandbox] = runtime.sandboxes.values()
  const id = await runtime.runSandbox({ ...sandbox!.spec, uid: 'u-late', name: 'late', labels: { ...sandbox!.spec.labels, 'io.kubernetes.pod.uid': 'u-late' } })
  await runtime.stopSandbox(id)
  await expect.poll(() => [...runtime.sandboxes.values()].map((s) => s.status.name)).toEqual(['keep'])
  expect(statusOf(api, 'keep')?.phase).toBe('Running')
})

test('with the machine all containers end, those that others need last, and the API keeps the pods for the next start', async () => {
  const { api, runtime, agent } = await startWorld()
  api.put(pods, podOf('critical', { name: 'need' }, { priority: 2_000_001_000 }))
  api.put(pods, podOf('ordinary', {}, { initContainers: [{ name: 'sidecar', image: 'web:1', imagePullPolicy: 'IfNotPresent', restartPolicy: 'Always' }] }))
  await api.until(() => ['critical', 'ordinary'].every((name) => statusOf(api, name)?.phase === 'Running'))
  await agent.endPods()
  expect([...runtime.containers.values()].map(({ status }) => status.state)).toEqual(['exited', 'exited', 'exited'])
  expect([...runtime.sandboxes.values()].map(({ status }) => status.ready)).toEqual([false, false])
  expect(runtime.calls.filter((call) => call.startsWith('stopContainer ')).map((call) => call.split(' ')[1])).toEqual(['c', 'sidecar', 'need'])
  expect(['critical', 'ordinary'].map((name) => statusOf(api, name)?.phase)).toEqual(['Running', 'Running'])
})

test('a pod that is taken from the API at once leaves nothing behind, and the agent goes on', async () => {
  const { api, runtime } = await startWorld()
  api.put(pods, podOf('gone'))
  await api.until(() => statusOf(api, 'gone')?.phase === 'Running')
  api.remove(pods, 'gone', 'default')
  await expect.poll(() => runtime.sandboxes.size).toBe(0)
  api.put(pods, podOf('next'))
  await api.until(() => statusOf(api, 'next')?.phase === 'Running')
})

test('a pod that does not fit is refused, and says why', async () => {
  const { api, runtime } = await startWorld()
  api.put(pods, podOf('big', { resources: { requests: { cpu: '10000' } } }))
  const status = await api.until(() => statusOf(api, 'big')?.phase === 'Failed' && statusOf(api, 'big'))
  expect(status).toMatchObject({ reason: 'OutOfcpu', message: expect.stringMatching(/^Pod was rejected: Node didn't have enough resource: cpu, requested: 10000000, used: 0, capacity: \d+$/) })
  expect(status?.containerStatuses).toBeUndefined()
  expect(runtime.sandboxes.size).toBe(0)
})
