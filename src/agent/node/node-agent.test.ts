import { expect, test } from 'vitest'
import { nodes } from '../../api/refs.ts'
import { FakeClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import { FakeRuntime } from '../../runtime/fake.ts'
import { defaultSettings } from '../settings/settings.ts'
import { createMemoryApi } from '../testing/memory-api.ts'
import { readMachine } from './machine.ts'
import { startNodeAgent } from './node-agent.ts'

async function start(before?: { bootID: string }) {
  const clock = new FakeClock()
  const api = createMemoryApi()
  const fake = new FakeRuntime({ clock })
  const broken: { how?: 'refuses' | 'hangs' } = {}
  const runtime: ContainerRuntime = Object.assign(Object.create(fake) as ContainerRuntime, {
    info: () => (broken.how === 'hangs' ? new Promise<never>(() => {}) : broken.how === 'refuses' ? Promise.reject(new Error('connection refused')) : fake.info()),
  })
  const told: string[] = []
  const machine = await readMachine('/')
  if (before) api.put(nodes, { metadata: { name: 'n1' }, status: { nodeInfo: { ...machine.info, ...before, containerRuntimeVersion: '', kubeletVersion: '', kubeProxyVersion: '' } } })
  const identity = { name: 'n1', ips: () => ['192.0.2.1'], hostname: 'n1', labels: {}, taints: [], settings: defaultSettings, port: 10250, version: 'v1.36.3' }
  const agent = await startNodeAgent({
    client: api.client, runtime, clock, log: silentLogger, identity, machine, pressure: () => [],
    recorder: { node: (_type: string, reason: string, message: string) => void told.push(`${reason}: ${message}`) } as never,
  })
  const ready = () => {
    const { status, reason, message } = api.get(nodes, 'n1')!.status!.conditions!.find(({ type }) => type === 'Ready')!
    return `${status} ${reason} ${message}`
  }
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { api, broken, told, agent, ready, pass }
}

const isReady = 'True KubeletReady kubelet is posting ready status'
const isDown = 'False KubeletNotReady container runtime is down'

test.each(['refuses', 'hangs'] as const)('a runtime that %s for less than half a minute is no matter, one that does for longer is', async (how) => {
  const { broken, told, agent, ready, pass } = await start()
  expect(ready()).toBe(isReady)
  await pass(70)
  broken.how = how
  await pass(25)
  expect(ready()).toBe(isReady)
  delete broken.how
  await pass(30)
  broken.how = how
  await pass(60)
  expect(ready()).toBe(isDown)
  expect(told).toContain('NodeNotReady: Node n1 status is now: NodeNotReady')
  delete broken.how
  await pass(15)
  expect(ready()).toBe(isReady)
  agent.stop()
})

test('another boot of the machine is told', async () => {
  expect((await start({ bootID: 'another' })).told.some((event) => /^Rebooted: Node n1 has been rebooted, boot id: .+/.test(event))).toBe(true)
  expect((await start({ bootID: (await readMachine('/')).info.bootID })).told.some((event) => event.startsWith('Rebooted'))).toBe(false)
})

test('a node that was called Unknown says at once that it is not; conditions and resources of others stay', async () => {
  const { api, agent, ready, pass, told } = await start()
  const others = { conditions: [{ type: 'KernelDeadlock', status: 'False' }], capacity: { 'example.com/dongle': '2' } }
  const before = api.get(nodes, 'n1')!
  const unknown = before.status!.conditions!.map((condition) => ({ ...condition, status: 'Unknown' }))
  agent.seen(api.put(nodes, { ...before, status: { ...before.status, conditions: [...others.conditions, ...unknown], capacity: { ...before.status!.capacity, ...others.capacity } } }))
  await pass(0.1)
  expect(ready()).toBe(isReady)
  const { status, metadata } = api.get(nodes, 'n1')!
  expect(status).toMatchObject({ conditions: expect.arrayContaining(others.conditions), capacity: others.capacity })
  expect(told).toContain('NodeReady: Node n1 status is now: NodeReady')
  agent.seen(before)
  agent.seen(api.get(nodes, 'n1')!)
  await pass(0.1)
  expect(api.get(nodes, 'n1')!.metadata.resourceVersion).toBe(metadata.resourceVersion)
  agent.stop()
})
