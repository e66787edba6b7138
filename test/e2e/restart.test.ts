// Pods notice nothing: mk8s killed, its containerd killed, both, an upgrade, a containerd that hangs.
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Pod } from '../../src/api/generated/types.ts'
import { binary, eventually } from './box.ts'
import { leaks } from './leaks.ts'
import { networkOf, startStreams } from './loops.ts'
import { Machine } from './machine.ts'
import { writeOtherBuild } from './other-build.ts'
import { openWorkbench, template, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 150_000 })
const machine = new Machine()
let bench: Workbench
let network: Awaited<ReturnType<typeof networkOf>>
let places: string[]

const probed = (script: string) => template({ app: 'echo' }, script, {
  ports: [{ containerPort: 9000 }], readinessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1, failureThreshold: 1 }, livenessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 },
})
beforeAll(async () => {
  bench = await openWorkbench(machine)
  await machine.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'echo' }, spec: { replicas: 2, selector: { matchLabels: { app: 'echo' } }, template: probed('while :; do echo tick; sleep 0.2; done & exec nc -ll -p 9000 -e cat') } })
  await machine.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'echo' }, spec: { type: 'NodePort', selector: { app: 'echo' }, ports: [{ port: 80, targetPort: 9000, nodePort: 30900 }] } })
  await bench.start({ name: 'asker' })
  await machine.k(['rollout', 'status', 'deployment/echo', '--timeout=60s'])
  network = await networkOf(machine, await bench.get('pod', 'asker', '.status.podIP'))
  const [first] = await echoPods()
  places = [`${await bench.get('service', 'echo', '.spec.clusterIP')}:80`, '192.0.2.10:30900', `${first!.status!.podIP}:9000`]
  await eventually('all endpoints are ready', async () => (await endpoints()).match(/"ready":true/g)?.length === 2)
}, 180_000)
afterAll(() => machine.close(), 60_000)

const list = async (what: string) => (JSON.parse(await machine.k(['get', what, '-A', '-o', 'json'])) as { items: Pod[] }).items
const echoPods = async () => (await list('pods')).filter(({ metadata }) => metadata?.labels?.app === 'echo')
/** With revisions: any write to one would show. */
const endpoints = async () => JSON.stringify((await list('endpointslices')).filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === 'echo'))

/** What must not change: containers, restarts, starts, addresses, readiness and when it began, and the processes themselves. */
async function identity() {
  const pods = (await list('pods')).map(({ metadata, status }) => ({
    name: metadata!.name, ip: status!.podIP, phase: status!.phase, conditions: status!.conditions!.map(({ type, status: is, lastTransitionTime }) => `${type} ${is} ${lastTransitionTime}`).sort(),
    containers: status!.containerStatuses!.map(({ containerID, restartCount, ready, state }) => ({ containerID, restartCount, ready, state })),
  }))
  const processes = (await machine.inside('sh', ['-c', `ps -eo pid=,args= | grep -E '[n]c -ll|[s]leep infinity|[c]ontainerd-shim' | awk '{print $1}'`])).split('\n').filter(Boolean)
  return { pods, endpoints: await endpoints(), processes }
}

const containerdPid = () => readFileSync(`${machine.root}/run/mk8s/containerd.pid`, 'utf8').trim()
const killContainerd = async (signal = '-KILL') => machine.inside('kill', [signal, containerdPid()])

/** Milliseconds until exec and logs -f of a pod work. */
async function untilExecAndLogs(): Promise<number> {
  const began = Date.now()
  const [pod] = await eventually('pods can be read', echoPods)
  await eventually('exec works', async () => {
    const { stdout, stderr } = await machine.kubectl(['exec', pod!.metadata!.name!, '--', 'echo', 'here'], { timeout: 5000 })
    if (stdout !== 'here\n') throw new Error(stderr || stdout)
    return true
  }, 30)
  await machine.follow(['logs', '-f', '--since=1s', pod!.metadata!.name!], /(tick[^]*){3}/)
  return Date.now() - began
}

async function undisturbed(what: string, happen: () => Promise<void>): Promise<void> {
  const before = await identity()
  const loop = startStreams(network, ...places)
  await wait(500)
  const milliseconds = await happen().then(untilExecAndLogs).finally(() => wait(2500)).catch(async (error: unknown) => {
    await loop.stop()
    throw error
  })
  const seen = await loop.stop()
  console.log(`${what}: exec and logs after ${milliseconds} ms; ${seen.map(({ place, echoed, slowest }) => `${place} ${echoed} echoes, slowest ${slowest.toFixed(0)} ms`).join('; ')}`)
  for (const { place, failures, slowest, echoed } of seen) {
    expect(failures, place).toEqual([])
    expect(echoed, place).toBeGreaterThan(20)
    expect(slowest, place).toBeLessThan(1500)
  }
  expect(await identity()).toEqual(before)
  expect(milliseconds).toBeLessThan(8000)
}

test('killing mk8s', () => undisturbed('mk8s killed', async () => {
  await machine.signal('SIGKILL')
  await machine.startApi()
}))

test('killing containerd, again and again', () => undisturbed('containerd killed three times', async () => {
  for (let times = 0; times < 3; times++) {
    const old = containerdPid()
    await killContainerd()
    await eventually('another one has started', async () => containerdPid() !== old && containerdPid() !== '')
  }
}))

test('killing both', () => undisturbed('both killed', async () => {
  await Promise.all([machine.signal('SIGKILL'), killContainerd()])
  await machine.startApi()
}))

test('an upgrade', async () => {
  const { outside, inside } = machine.shared('mk8s-next')
  writeOtherBuild(binary, outside, '2032')
  await undisturbed('upgrade', async () => {
    await machine.signal('SIGTERM')
    await machine.inside('install', ['-m', '755', inside, '/usr/local/bin/mk8s'])
    await machine.startApi()
  })
})

test('what ended while mk8s was away is started again', async () => {
  const before = await bench.get('pod', 'asker', '.status.containerStatuses[0].restartCount')
  await machine.signal('SIGKILL')
  await machine.inside('sh', ['-c', `kill -KILL $(ps -eo pid=,args= | awk '/[s]leep infinity/ { print $1 }')`])
  await machine.start()
  await eventually('it runs again', async () => (await bench.get('pod', 'asker', '.status.containerStatuses[0].restartCount')) === String(Number(before) + 1) && (await bench.get('pod', 'asker', '.status.containerStatuses[0].ready')) === 'true')
  expect(await bench.get('pod', 'asker', '.status.containerStatuses[0].lastState.terminated.exitCode')).toBe('137')
})

test('a containerd that hangs is replaced; pods and mk8s live on', async () => {
  const before = await identity()
  const pid = machine.pid
  const began = Date.now()
  await killContainerd('-STOP')
  const old = containerdPid()
  const since = () => `${((Date.now() - began) / 1000).toFixed(0)} s`
  await eventually('another containerd answers', async () => containerdPid() !== old && (await machine.tryInside('ctr', ['--address', '/run/mk8s/containerd/containerd.sock', 'version'], { timeout: 3000 })).code === 0, 90)
  console.log(`hung containerd replaced after ${since()}`)
  await eventually('the node is Ready', async () => / Ready /.test(await machine.k(['get', 'nodes'])))
  console.log(`exec after ${await untilExecAndLogs()} ms`)
  expect(machine.pid).toBe(pid)
  const after = await identity()
  expect(after.processes).toEqual(before.processes)
  expect(after.pods.map(({ containers }) => containers.map(({ containerID, restartCount }) => [containerID, restartCount]))).toEqual(before.pods.map(({ containers }) => containers.map(({ containerID, restartCount }) => [containerID, restartCount])))
})

test('nothing is left over of all this', async () => {
  await eventually('nothing is left over', async () => {
    const found = await leaks(machine)
    if (found.length > 0) throw new Error(found.join('; '))
    return true
  })
})
