// A box that runs short of disk, then of memory: a small file system of its own under the data directory, and a memory threshold that is always crossed.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hasCapability } from '../../src/runtime/containerd/host.ts'
import { containerdPaths } from '../../src/runtime/containerd/paths.ts'
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { binary, Box, eventually, must, run } from './box.ts'
import { image, openWorkbench, pod, shell, type PodOptions, type Workbench } from './workbench.ts'

const mebibyte = 1024 * 1024
/** Ends at once when asked to: the first process of a container ignores what it has no handler for. */
const idle = 'trap "exit 0" TERM; sleep infinity & wait'

class SmallBox extends Box {
  readonly #ballast = join(this.dataDir, 'ballast')

  override async open(): Promise<this> {
    await super.open()
    const disk = join(this.directory, 'disk.img')
    closeSync(openSync(disk, 'w'))
    truncateSync(disk, 1024 * mebibyte)
    await must('mkfs.ext4', ['-q', '-F', '-m', '0', disk])
    mkdirSync(this.dataDir)
    await must('mount', ['-o', 'loop', disk, this.dataDir])
    const laidDown = join(this.dataDir, 'agent/images')
    mkdirSync(laidDown, { recursive: true })
    writeBusyboxImage(join(laidDown, 'laid-down.tar'), 'mk8s.io/laid-down:1', { filler: mebibyte })
    this.configure('nodefs.available<300Mi')
    return this
  }

  /** Takes effect at the next start. */
  configure(hard: string): void {
    const settings = [
      `eviction-hard=${hard}`, 'eviction-pressure-transition-period=3s', 'housekeeping-interval=1s', 'volume-stats-agg-period=1s', 'minimum-image-ttl-duration=0s',
      'container-log-max-size=1Mi', 'container-log-max-files=2', 'system-reserved=cpu=100m,memory=64Mi', 'max-pods=50',
    ]
    writeFileSync(join(this.directory, 'config.yaml'), JSON.stringify({ 'kubelet-arg': settings }))
  }

  /** Fills the disk until so much is left. */
  async leave(mebibytes: number): Promise<void> {
    rmSync(this.#ballast, { force: true })
    const { bavail, bsize } = statfsSync(this.dataDir)
    await must('fallocate', ['-l', String(bavail * bsize - mebibytes * mebibyte), this.#ballast])
  }

  relieve(): void {
    rmSync(this.#ballast, { force: true })
  }

  override async close(): Promise<void> {
    await this.tryInside(binary, ['killall', '--data-dir', this.dataDir])
    await run('umount', [this.dataDir])
    await super.close()
  }
}

vi.setConfig({ testTimeout: 180_000 })
const box = new SmallBox()
let bench: Workbench
beforeAll(async () => {
  bench = await openWorkbench(box)
  for (const [name, value] of [['low', 10], ['high', 1000]] as const) await box.apply({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value })
}, 180_000)
afterAll(() => box.close(), 120_000)

const node = (path: string) => bench.get('node', 'box', path)
const condition = (type: string) => node(`.status.conditions[?(@.type=="${type}")]['status','reason','message']`)
const taints = () => node('.spec.taints[*].key')
const calm = () => eventually('the pressure is over', async () => (await condition('DiskPressure')).startsWith('False') && !(await taints()).includes('disk-pressure'))
const ending = (name: string) => bench.get('pod', name, ".status['phase','reason','message']")
const evicted = (name: string) => eventually(`${name} is evicted`, async () => (await ending(name)).startsWith('Failed Evicted'))
/** Names of pods in the order in which they were evicted. */
async function evictions(since: string): Promise<string[]> {
  const { items } = JSON.parse(await box.k(['get', 'events', '--field-selector', 'reason=Evicted,involvedObject.kind=Pod', '-o', 'json'])) as { items: { metadata: { resourceVersion: string }; involvedObject: { name: string } }[] }
  const later = items.filter(({ metadata }) => BigInt(metadata.resourceVersion) > BigInt(since))
  return later.sort((a, b) => Number(BigInt(a.metadata.resourceVersion) - BigInt(b.metadata.resourceVersion))).map(({ involvedObject }) => involvedObject.name)
}
const revision = async () => (JSON.parse(await box.k(['get', '--raw', '/api/v1/nodes'])) as { metadata: { resourceVersion: string } }).metadata.resourceVersion

const withVolume = (mebibytes: number, options: PodOptions): PodOptions => ({
  ...options, command: shell(`dd if=/dev/zero of=/v/data bs=1M count=${mebibytes} 2>/dev/null; touch /v/done; ${idle}`),
  container: { volumeMounts: [{ name: 'v', mountPath: '/v' }], readinessProbe: { exec: { command: ['test', '-f', '/v/done'] }, periodSeconds: 1 }, ...options.container },
  spec: { volumes: [{ name: 'v', emptyDir: {} }], ...options.spec },
})

test('settings of the kubelet hold', async () => {
  expect(await node('.status.capacity.pods')).toBe('50')
  const [capacity, allocatable] = [JSON.parse(await node('.status.capacity')), JSON.parse(await node('.status.allocatable'))] as Record<string, string>[]
  expect(parseInt(capacity!.memory!) - parseInt(allocatable!.memory!)).toBe(64 * 1024)
  expect(allocatable!.cpu).toBe(`${Number(capacity!.cpu) * 1000 - 100}m`)
  expect(await condition('DiskPressure')).toBe('False KubeletHasNoDiskPressure kubelet has no disk pressure')
  await bench.event('box', /Normal NodeHasNoDiskPressure Node box status is now: NodeHasNoDiskPressure/)
})

test('a pod that uses more disk than it may is evicted', async () => {
  await box.apply(pod(withVolume(20, { name: 'volume', spec: { volumes: [{ name: 'v', emptyDir: { sizeLimit: '10Mi' } }] } })))
  await box.apply(pod({ name: 'layer', command: shell('dd if=/dev/zero of=/data bs=1M count=20 2>/dev/null; ' + idle), container: { resources: { limits: { 'ephemeral-storage': '10Mi' } } } }))
  const roomy = { name: 'roomy', image, command: shell(idle), resources: { limits: { 'ephemeral-storage': '100Mi' } } }
  const talker = { name: 'talker', image, command: shell(`yes 0123456789 | head -c 900000; ${idle}`), resources: { limits: { 'ephemeral-storage': '100k' } } }
  await box.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'logs' }, spec: { terminationGracePeriodSeconds: 1, containers: [roomy, talker] } })
  for (const name of ['volume', 'layer', 'logs']) await evicted(name)
  expect(await ending('volume')).toBe('Failed Evicted Usage of EmptyDir volume "v" exceeds the limit "10Mi". ')
  expect(await ending('layer')).toBe('Failed Evicted Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ')
  expect(await ending('logs')).toBe('Failed Evicted Container talker exceeded its local ephemeral storage limit "100k". ')
  await bench.event('volume', /Warning Evicted Usage of EmptyDir volume "v" exceeds the limit "10Mi"\./)
  await box.k(['delete', 'pod', 'volume', 'layer', 'logs'])
})

describe('disk', () => {
  test('dead containers and unused images go first, and that may be enough; an image laid down as an archive stays', async () => {
    const archive = join(box.directory, 'unused.tar')
    writeBusyboxImage(archive, 'mk8s.io/unused:1', { filler: 30 * mebibyte })
    await bench.start({ name: 'keeper', command: shell(`yes 0123456789 | head -c 3000000; ${idle}`), spec: { priorityClassName: 'system-node-critical' } })
    await box.inside(binary, ['images', 'import', '--data-dir', box.dataDir, archive])
    await bench.output({ name: 'writer', command: shell('dd if=/dev/zero of=/data bs=1M count=60 2>/dev/null; echo written') })
    await box.leave(270)
    await bench.event('box', /Warning EvictionThresholdMet Attempting to reclaim ephemeral-storage/)
    await bench.event('box', /Normal NodeHasDiskPressure Node box status is now: NodeHasDiskPressure/)
    await eventually('the image has gone', async () => !(await box.inside(binary, ['images', 'list', '--data-dir', box.dataDir])).includes('unused'))
    expect(await box.inside(binary, ['images', 'list', '--data-dir', box.dataDir])).toContain('mk8s.io/laid-down')
    expect((await box.kubectl(['logs', 'writer'])).code).toBe(1)
    expect(await bench.get('pod', 'writer', '.status.phase}|{.status.containerStatuses[0].state.terminated.exitCode')).toBe('Succeeded|0')
    await calm()
    await bench.event('box', /Normal NodeHasNoDiskPressure/)
    expect(await bench.get('pod', 'keeper', '.status.phase')).toBe('Running')
    box.relieve()
  })

  test('then pods go, one at a time: those above their requests, the lower priority first; nothing new comes; then all is well again', async () => {
    const before = await revision()
    await bench.start(
      withVolume(40, { name: 'modest', spec: { priorityClassName: 'low', volumes: [{ name: 'v', emptyDir: {} }] }, container: { resources: { requests: { 'ephemeral-storage': '100Mi' } } } }),
      withVolume(60, { name: 'important', spec: { priorityClassName: 'high', volumes: [{ name: 'v', emptyDir: {} }] } }),
      withVolume(30, { name: 'small', spec: { priorityClassName: 'low', volumes: [{ name: 'v', emptyDir: {} }] } }),
      withVolume(50, { name: 'large', spec: { priorityClassName: 'low', volumes: [{ name: 'v', emptyDir: {} }] } }),
      withVolume(20, { name: 'critical', spec: { priorityClassName: 'system-cluster-critical', volumes: [{ name: 'v', emptyDir: {} }] } }),
    )
    await box.leave(300 - 120)
    for (const name of ['large', 'small', 'important']) await evicted(name)
    expect(await ending('large')).toMatch(/^Failed Evicted The node was low on resource: ephemeral-storage\. Threshold quantity: 300Mi, available: \d+Ki\. Container main was using \d+Ki, request is 0, has larger consumption of ephemeral-storage\. $/)
    const target = JSON.parse(await bench.get('pod', 'large', '.status.conditions[?(@.type=="DisruptionTarget")]')) as object
    expect(target).toMatchObject({ status: 'True', reason: 'TerminationByKubelet', message: (await ending('large')).slice('Failed Evicted '.length) })

    await box.leave(250)
    await eventually('the node says so', async () => (await condition('DiskPressure')) === 'True KubeletHasDiskPressure kubelet has disk pressure' && (await taints()).includes('node.kubernetes.io/disk-pressure'))
    await box.apply(pod({ name: 'bound', spec: { nodeName: 'box' } }))
    await box.apply(pod({ name: 'patient' }))
    await eventually('it is refused', async () => (await ending('bound')) === 'Failed Evicted Pod was rejected: The node had condition: [DiskPressure]. ')
    await bench.event('patient', /Warning FailedScheduling 0\/1 nodes are available: 1 node\(s\) had untolerated taint\(s\)\./)
    await evicted('modest')
    expect((await evictions(before)).filter((name) => name !== 'bound')).toEqual(['large', 'small', 'important', 'modest'])
    box.relieve()
    await calm()
    await bench.running('patient')
    expect(await bench.get('pod', 'critical', '.status.phase')).toBe('Running')
  })

  test('a log is put aside at the size that was asked for', async () => {
    const uid = await bench.get('pod', 'keeper', '.metadata.uid')
    const directory = join(box.dataDir, 'agent/log/pods', `default_keeper_${uid}`, 'main')
    await eventually('it was rotated', async () => readdirSync(directory).length === 2 && readdirSync(directory).every((name) => /^0\.log(\.\d{8}-\d{6})?$/.test(name)))
    await box.k(['delete', 'pod', '--all', '--now'])
  })
})

describe('memory', () => {
  /** The kernel lets nobody go below its own value who lacks the capability. */
  const mayRaise = hasCapability(readFileSync('/proc/self/status', 'utf8'), 24n)
  const own = readFileSync('/proc/self/oom_score_adj', 'utf8').trim()
  const scoreOf = (pid: number) => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()

  test('the kernel ends best effort first, guaranteed late, mk8s and containerd last', async () => {
    const capacity = parseInt(await node('.status.capacity.memory')) * 1024
    await bench.start(
      { name: 'best' }, { name: 'burst', container: { resources: { requests: { memory: `${Math.floor(capacity / 10)}` } } } },
      { name: 'sure', container: { resources: { limits: { cpu: '50m', memory: '32Mi' } } } },
    )
    const score = async (name: string) => (await bench.exec(name, 'cat /proc/1/oom_score_adj')).trim()
    expect(await score('best')).toBe('1000')
    expect(Number(await score('burst'))).toBeOneOf([900, 901])
    expect(await score('sure')).toBe(mayRaise ? '-997' : own)
    expect(scoreOf(box.pid)).toBe(mayRaise ? '-999' : own)
    expect(scoreOf(Number(readFileSync(containerdPaths(box.dataDir).pidFile, 'utf8')))).toBe(mayRaise ? '-999' : own)
    expect(box.log().split('\n').filter((line) => line.includes('CAP_SYS_RESOURCE')).length).toBe(mayRaise ? 0 : 1)
    await box.k(['delete', 'pod', '--all', '--now'])
  })

  test('a container that is killed for its limit says so and starts again', async () => {
    await box.apply(pod({ name: 'greedy', command: shell('test -f /v/once && sleep infinity; touch /v/once; x=x; while true; do x=$x$x; done'), container: { resources: { limits: { memory: '16Mi' } }, volumeMounts: [{ name: 'v', mountPath: '/v' }] }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } }))
    await eventually('it runs again', async () => (await bench.get('pod', 'greedy', ".status.containerStatuses[0]['ready','restartCount']")) === 'true 1')
    expect(JSON.parse(await bench.get('pod', 'greedy', '.status.containerStatuses[0].lastState.terminated'))).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    await box.k(['delete', 'pod', 'greedy', '--now'])
  })

  test('pods above their requests go first, the lower priority before the higher; best effort is refused', async () => {
    const eater = (name: string, mebibytes: number, request: string, priorityClassName: string): PodOptions => ({
      name, command: shell(`x=$(head -c ${mebibytes * mebibyte} /dev/zero | tr '\\0' x); touch /tmp/done; ${idle}`),
      container: { resources: { requests: { memory: request } }, readinessProbe: { exec: { command: ['test', '-f', '/tmp/done'] }, periodSeconds: 1 } }, spec: { priorityClassName },
    })
    await bench.start(eater('frugal', 1, '64Mi', 'low'), eater('noble', 40, '1Mi', 'high'), eater('hungry', 30, '1Mi', 'low'), { name: 'lazy', command: shell(idle), spec: { priorityClassName: 'low' } }, { name: 'vital', spec: { priorityClassName: 'system-node-critical' } })
    const before = await revision()
    await box.signal('SIGTERM')
    box.configure('memory.available<99.9%')
    await box.start()
    for (const name of ['hungry', 'lazy', 'noble', 'frugal']) await evicted(name)
    expect(await evictions(before)).toEqual(['hungry', 'lazy', 'noble', 'frugal'])
    expect(await ending('hungry')).toMatch(/^Failed Evicted The node was low on resource: memory\. Threshold quantity: \d+\w*, available: \d+Ki\. Container main was using \d+Ki, request is 1Mi, has larger consumption of memory\. $/)
    expect(await condition('MemoryPressure')).toBe('True KubeletHasInsufficientMemory kubelet has insufficient memory available')
    await eventually('the taint', async () => (await taints()).includes('node.kubernetes.io/memory-pressure'))
    await bench.event('box', /Warning EvictionThresholdMet Attempting to reclaim memory/)
    await box.apply(pod({ name: 'bound', spec: { nodeName: 'box' } }))
    await eventually('it is refused', async () => (await ending('bound')) === 'Failed Evicted Pod was rejected: The node had condition: [MemoryPressure]. ')
    expect(await bench.get('pod', 'vital', '.status.phase}|{.status.containerStatuses[0].restartCount')).toBe('Running|0')
  })
})
