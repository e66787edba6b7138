import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Container, PodSpec } from '../../api/generated/types.ts'
import { asAgentPod, type AgentPod } from '../pod/types.ts'
import { oomScoreAdjust } from '../resources/qos.ts'
import { admit } from '../pod/admission.ts'
import { diskUsage } from './disk-usage.ts'
import { evictionMessage } from './message.ts'
import { parseMemory } from './observe.ts'
import { judgePressure, noPressure, type PressureState } from './pressure.ts'
import { rankForEviction } from './rank.ts'
import { exceededStorageLimit, hasStorageLimit } from './storage-limits.ts'
import { parseThresholds, type Observation, type Signal } from './thresholds.ts'
import type { PodUsage } from './usage.ts'

const mebi = 1024 * 1024
const gibi = 1024 * mebi

function podOf(name: string, spec: Partial<PodSpec> = {}, requests?: Record<string, string>, limits?: Record<string, string>): AgentPod {
  const resources = { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) }
  return asAgentPod({ metadata: { name, namespace: 'default', uid: name }, spec: { containers: [{ name: 'main', resources }], ...spec } })
}

interface Used {
  memory?: number
  root?: number
  logs?: number
  volume?: number
  inodes?: number
  processes?: number
}

const usage = ({ memory = 0, root = 0, logs = 0, volume = 0, inodes = 0, processes = 0 }: Used): PodUsage => ({
  containers: [{ name: 'main', memoryBytes: memory * mebi, root: { bytes: root * mebi, inodes }, logs: { bytes: logs * mebi, inodes: 0 } }],
  volumes: new Map([['v', { bytes: volume * mebi, inodes: 0 }]]), processes,
})

const statements = { hard: {}, soft: {}, softGrace: {}, minimumReclaim: {} }
const observed = (entries: Partial<Record<Signal, Observation>>) => new Map(Object.entries(entries)) as Map<Signal, Observation>

test.each<[string, Signal, [string, number, string | undefined, Used | undefined][], string]>([
  ['memory: above the request before below it, whatever the priority', 'memory.available', [['below', 0, '100Mi', { memory: 90 }], ['above', 1000, '10Mi', { memory: 20 }]], 'above below'],
  ['memory: among those above, the lower priority', 'memory.available', [['high', 10, undefined, { memory: 500 }], ['low', 5, undefined, { memory: 1 }]], 'low high'],
  ['memory: of one priority, the one furthest above', 'memory.available', [['a', 0, '10Mi', { memory: 30 }], ['b', 0, '100Mi', { memory: 130 }], ['c', 0, '1Mi', { memory: 20 }]], 'b a c'],
  ['memory: of one priority below the request, the one nearest to it', 'memory.available', [['far', 0, '100Mi', { memory: 10 }], ['near', 0, '100Mi', { memory: 90 }]], 'near far'],
  ['what could not be measured comes first', 'memory.available', [['known', 0, undefined, { memory: 500 }], ['unknown', 1000, undefined, undefined]], 'unknown known'],
  ['disk: logs, layers and volumes together', 'nodefs.available', [['layer', 0, undefined, { root: 30 }], ['logs', 0, undefined, { logs: 20 }], ['volume', 0, undefined, { volume: 40 }]], 'volume layer logs'],
  ['inodes', 'nodefs.inodesFree', [['few', 0, undefined, { inodes: 3, root: 900 }], ['many', 0, undefined, { inodes: 300 }]], 'many few'],
  ['process ids: priority, then number', 'pid.available', [['high', 10, undefined, { processes: 900 }], ['few', 0, undefined, { processes: 2 }], ['many', 0, undefined, { processes: 30 }]], 'many few high'],
])('order of eviction: %s', (_name, signal, pods, expected) => {
  const resource = signal === 'memory.available' ? 'memory' : 'ephemeral-storage'
  const candidates = pods.map(([name, priority, request, used]) => ({ pod: podOf(name, { priority }, request ? { [resource]: request } : undefined), usage: used && usage(used) }))
  expect(rankForEviction(candidates, signal, { separateImages: false }).map(({ pod }) => pod.metadata.name).join(' ')).toBe(expected)
})

test('where images have a disk of their own, layers count there and nothing else does', () => {
  const candidates = [{ pod: podOf('layer'), usage: usage({ root: 50 }) }, { pod: podOf('local'), usage: usage({ volume: 20, logs: 10 }) }]
  const first = (signal: Signal) => rankForEviction(candidates, signal, { separateImages: true })[0]?.pod.metadata.name
  expect(first('imagefs.available')).toBe('layer')
  expect(first('nodefs.available')).toBe('local')
})

test('thresholds: amounts and parts, memory first, nothing for 0% and 100%', () => {
  const found = parseThresholds({ ...statements, hard: { 'nodefs.available': '10%', 'imagefs.available': '0%', 'memory.available': '100Mi' }, soft: { 'memory.available': '1Gi' }, softGrace: { 'memory.available': '1m30s' } })
  expect(found.map(({ signal, graceMilliseconds }) => [signal, graceMilliseconds])).toEqual([['memory.available', 0], ['memory.available', 90_000], ['nodefs.available', 0]])
  expect(() => parseThresholds({ ...statements, hard: { 'cpu.available': '1' } })).toThrow('unsupported eviction signal cpu.available')
  expect(() => parseThresholds({ ...statements, hard: { 'memory.available': '101%' } })).toThrow('is not between 0% and 100%')
  expect(() => parseThresholds({ ...statements, hard: { 'memory.available': '0' } })).toThrow('eviction threshold memory.available must be positive: 0')
  expect(() => parseThresholds({ ...statements, soft: { 'memory.available': '1Gi' } })).toThrow('grace period must be specified for the soft eviction threshold memory.available')
})

test('a condition comes at once and lasts for the transition period; a met threshold demands its minimum reclaim; a soft one waits', () => {
  const thresholds = parseThresholds({ hard: { 'nodefs.available': '10%' }, soft: { 'memory.available': '1Gi' }, softGrace: { 'memory.available': '30s' }, minimumReclaim: { 'nodefs.available': '5%' } })
  let state: PressureState = noPressure
  const look = (seconds: number, disk: number, memory: number) => {
    const observations = observed({ 'nodefs.available': { available: disk, capacity: 100 }, 'memory.available': { available: memory * gibi, capacity: 4 * gibi } })
    const verdict = judgePressure({ state, thresholds, observations, now: seconds * 1000, transitionMilliseconds: 60_000 })
    state = verdict.state
    return [verdict.conditions.join(), verdict.met.map(({ signal }) => signal).join()]
  }
  expect(look(0, 10, 2)).toEqual(['', ''])
  expect(look(10, 9, 2)).toEqual(['DiskPressure', 'nodefs.available'])
  expect(look(20, 12, 2)).toEqual(['DiskPressure', 'nodefs.available'])
  expect(look(30, 15, 2)).toEqual(['DiskPressure', ''])
  expect(look(79, 15, 2)).toEqual(['DiskPressure', ''])
  expect(look(80, 15, 0.5)).toEqual(['MemoryPressure', ''])
  expect(look(109, 15, 0.5)).toEqual(['MemoryPressure', ''])
  expect(look(110, 15, 0.5)).toEqual(['MemoryPressure', 'memory.available'])
  expect(look(120, 15, 2)).toEqual(['MemoryPressure', ''])
  expect(look(169, 15, 2)).toEqual(['MemoryPressure', ''])
  expect(look(170, 15, 2)).toEqual(['', ''])
})

test('the message names threshold, containers and the pod as a whole', () => {
  const met = parseThresholds({ ...statements, hard: { 'memory.available': '100Mi' } })
  const observations = observed({ 'memory.available': { available: 80 * mebi + 1024, capacity: gibi } })
  const pod = podOf('web', { resources: { requests: { memory: '40Mi' } } }, { memory: '10Mi' })
  const { message, annotations } = evictionMessage(pod, usage({ memory: 50 }), 'memory', met, observations)
  expect(message).toBe('The node was low on resource: memory. Threshold quantity: 100Mi, available: 81921Ki. Pod web was using 50Mi, request is 40Mi, has larger consumption of memory. Container main was using 50Mi, request is 10Mi, has larger consumption of memory. ')
  expect(annotations).toEqual({ offending_pod: 'web', offending_pod_usage: '50Mi', offending_containers: 'main', offending_containers_usage: '50Mi', starved_resource: 'memory' })
})

test.each<[string, Partial<PodSpec>, string | undefined, Used, string | undefined]>([
  ['an emptyDir within its limit', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '20Mi' } }] }, undefined, { volume: 20 }, undefined],
  ['an emptyDir above it', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '20Mi' } }] }, undefined, { volume: 21 }, 'Usage of EmptyDir volume "v" exceeds the limit "20Mi". '],
  ['all of a pod together', { volumes: [{ name: 'v', emptyDir: {} }] }, '20Mi', { volume: 10, logs: 6, root: 5 }, 'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. '],
])('limits on disk: %s', (_name, spec, limit, used, expected) => {
  const pod = podOf('p', spec, undefined, limit ? { 'ephemeral-storage': limit } : undefined)
  expect(hasStorageLimit(pod)).toBe(true)
  expect(exceededStorageLimit(pod, usage(used), { separateImages: false })).toBe(expected)
})

test('a pod without limits on disk, or with an emptyDir in memory only, is not measured', () => {
  expect(hasStorageLimit(podOf('p', { volumes: [{ name: 'v', emptyDir: {} }] }))).toBe(false)
  expect(hasStorageLimit(podOf('p', { volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }] }))).toBe(false)
})

test('under pressure: who is admitted', () => {
  const node = { status: {} }
  const verdict = (pod: AgentPod, ...pressure: ('MemoryPressure' | 'DiskPressure')[]) => admit(pod, [], { node, pressure })?.message
  const burstable = podOf('b', {}, { memory: '1Mi' })
  const tolerant = podOf('t', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] })
  const critical = podOf('c', { priority: 2_000_000_000 })
  expect(verdict(podOf('best'))).toBeUndefined()
  expect(verdict(podOf('best'), 'MemoryPressure')).toBe('The node had condition: [MemoryPressure]. ')
  for (const pod of [burstable, tolerant, critical]) expect(verdict(pod, 'MemoryPressure')).toBeUndefined()
  for (const pod of [burstable, tolerant]) expect(verdict(pod, 'MemoryPressure', 'DiskPressure')).toBe('The node had condition: [MemoryPressure DiskPressure]. ')
  expect(verdict(critical, 'DiskPressure')).toBeUndefined()
})

test.each<[string, AgentPod, number]>([
  ['best effort', podOf('p'), 1000],
  ['guaranteed', podOf('p', {}, { cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }), -997],
  ['burstable, a tenth of the memory', podOf('p', {}, { memory: '100Mi' }), 900],
  ['burstable, hardly any memory', podOf('p', {}, { memory: '1k' }), 999],
  ['burstable, all of the memory', podOf('p', {}, { memory: '1000Mi' }), 3],
  ['critical for the node', podOf('p', { priority: 2_000_001_000, priorityClassName: 'system-node-critical' }), -997],
  ['critical for the cluster only', podOf('p', { priority: 2_000_000_000, priorityClassName: 'system-cluster-critical' }), 1000],
  ['a request of the pod as a whole is shared out', podOf('p', { resources: { requests: { memory: '400Mi' } }, initContainers: [{ name: 'i' }] }, { memory: '100Mi' }), 750],
])('oom score: %s', (_name, pod, expected) => {
  expect(oomScoreAdjust(pod, pod.spec.containers[0]!, 1000 * mebi)).toBe(expected)
})

test('oom score: a sidecar is no more at risk than the container it serves', () => {
  const sidecar: Container = { name: 's', restartPolicy: 'Always', resources: { requests: { memory: '1Mi' } } }
  const pod = podOf('p', { initContainers: [sidecar] }, { memory: '200Mi' })
  expect(oomScoreAdjust(pod, sidecar, 1000 * mebi)).toBe(800)
})

test('available memory counts files not lately used', () => {
  expect(parseMemory('MemTotal:  1000 kB\nMemFree:  200 kB\nMemAvailable: 900 kB\nInactive:  500 kB\nInactive(file):  300 kB\n')).toEqual({ total: 1000 * 1024, free: 200 * 1024, workingSet: 500 * 1024 })
})

test('disk usage counts blocks, a hard-linked file once, and nothing for what is not there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mk8s-du-'))
  try {
    const empty = await diskUsage(directory)
    await mkdir(join(directory, 'sub'))
    await writeFile(join(directory, 'sub/file'), Buffer.alloc(100 * 1024))
    await link(join(directory, 'sub/file'), join(directory, 'again'))
    const full = await diskUsage(directory)
    expect(full.inodes - empty.inodes).toBe(2)
    expect(full.bytes - empty.bytes).toBeGreaterThanOrEqual(100 * 1024)
    expect(full.bytes - empty.bytes).toBeLessThan(150 * 1024)
    expect(await diskUsage(join(directory, 'none'))).toEqual({ bytes: 0, inodes: 0 })
  } finally {
    await rm(directory, { recursive: true })
  }
})
