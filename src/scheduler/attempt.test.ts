import { describe, expect, test } from 'vitest'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, PodSpec, StorageClass } from '../api/generated/types.ts'
import { attempt } from './attempt.ts'
import { podFacts } from './pod-facts.ts'
import { preempt } from './preemption.ts'
import { factsOf, nodeState, type World } from './world.ts'

let uid = 0
const pod = (name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}): Pod => ({
  metadata: { name, namespace: 'default', uid: String(++uid), labels }, spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
})
const needing = (cpu: string, spec: Partial<PodSpec> = {}) => pod('p', { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu } } }], ...spec })
const node = (name: string, more: { labels?: Record<string, string>; spec?: Node['spec'] } = {}): Node => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } }, spec: more.spec, status: { allocatable: { cpu: '1', memory: '1Gi', pods: '10' } },
})

interface Objects {
  nodes: Node[]
  pods?: Record<string, Pod[]>
  claims?: PersistentVolumeClaim[]
  volumes?: PersistentVolume[]
  classes?: StorageClass[]
}
const worldOf = ({ nodes, pods = {}, claims = [], volumes = [], classes = [] }: Objects): World => ({
  nodes: new Map(nodes.map((n) => [n.metadata!.name!, nodeState(n, factsOf(pods[n.metadata!.name!] ?? []))])),
  namespace: (name) => ({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } }),
  claim: (_namespace, name) => claims.find((c) => c.metadata?.name === name),
  volume: (name) => volumes.find((v) => v.metadata?.name === name),
  volumes: () => volumes,
  storageClass: (name) => classes.find((c) => c.metadata?.name === name),
})
const place = (which: Pod, objects: Objects) => {
  const result = attempt(podFacts(which), worldOf(objects))
  return result.node ?? result.message
}
const anti = (labels: Record<string, string>, topologyKey = 'kubernetes.io/hostname'): PodSpec['affinity'] => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: labels } }] } })
const together = (labels: Record<string, string>): PodSpec['affinity'] => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: { matchLabels: labels } }] } })

describe('where a pod goes, or why nowhere', () => {
  const tainted = node('b', { spec: { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] } })
  const web = { app: 'web' }
  const east = (name: string) => node(name, { labels: { zone: 'east' } })
  const west = (name: string) => node(name, { labels: { zone: 'west' } })
  const spread: PodSpec['topologySpreadConstraints'] = [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } }]
  const claimed = (claimName: string) => pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] })
  const bound: PersistentVolumeClaim = { metadata: { name: 'c', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'v' } }
  const onB: PersistentVolume = { metadata: { name: 'v' }, spec: { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['b'] }] }] } } } }

  test.each<[string, Pod, Objects, string]>([
    ['the first that fits', needing('500m'), { nodes: [node('a')] }, 'a'],
    ['the emptier node', needing('100m'), { nodes: [node('a'), node('b')], pods: { a: [needing('500m')] } }, 'b'],
    ['no nodes', pod('p'), { nodes: [] }, 'no nodes available to schedule pods'],
    ['too large', needing('5'), { nodes: [node('a'), tainted] }, '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).'],
    ['pods that are over count nothing', needing('800m'), { nodes: [node('a')], pods: { a: [{ ...needing('800m'), status: { phase: 'Succeeded' } }] } }, 'a'],
    ['all slots taken', pod('p'), { nodes: [node('a')], pods: { a: Array.from({ length: 10 }, () => pod('x')) } }, '0/1 nodes are available: 1 Too many pods.'],
    ['a tolerated taint', pod('p', { tolerations: [{ key: 'a', operator: 'Exists' }] }), { nodes: [tainted] }, 'b'],
    ['cordoned', pod('p'), { nodes: [node('a', { spec: { unschedulable: true } })] }, '0/1 nodes are available: 1 node(s) were unschedulable.'],
    ['a node selector', pod('p', { nodeSelector: { zone: 'west' } }), { nodes: [east('a'), west('b')] }, 'b'],
    ['no selected node', pod('p', { nodeSelector: { zone: 'north' } }), { nodes: [east('a')] }, "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."],
    ['a host port in use', pod('p', { containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }] }] }),
      { nodes: [node('a')], pods: { a: [pod('x', { containers: [{ name: 'c', ports: [{ containerPort: 2, hostPort: 80, hostIP: '127.0.0.1' }] }] })] } },
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."],
    ['away from its like', pod('p', { affinity: anti(web) }, web), { nodes: [node('a'), node('b')], pods: { a: [pod('x', {}, web)] } }, 'b'],
    ['kept away by one that is there', pod('p', {}, web), { nodes: [node('a')], pods: { a: [pod('x', { affinity: anti(web) })] } },
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."],
    ['to its companions', pod('p', { affinity: together(web) }), { nodes: [east('a'), west('b')], pods: { b: [pod('x', {}, web)] } }, 'b'],
    ['the first of a group', pod('p', { affinity: together(web) }, web), { nodes: [east('a')] }, 'a'],
    ['no companion anywhere', pod('p', { affinity: together(web) }), { nodes: [east('a')] }, "0/1 nodes are available: 1 node(s) didn't match pod affinity rules."],
    ['spread over zones', pod('p', { topologySpreadConstraints: spread }, web), { nodes: [east('a'), west('b')], pods: { a: [pod('x', {}, web)] } }, 'b'],
    ['a node without the zone', pod('p', { topologySpreadConstraints: spread }, web), { nodes: [node('a')] },
      "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."],
    ['a claim that is not there', claimed('c'), { nodes: [node('a')] }, '0/1 nodes are available: persistentvolumeclaim "c" not found.'],
    ['a claim not bound', claimed('c'), { nodes: [node('a')], claims: [{ metadata: { name: 'c' }, spec: {} }] }, '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.'],
    ['where its volume is', claimed('c'), { nodes: [node('a'), node('b')], claims: [bound], volumes: [onB] }, 'b'],
  ])('%s', (_name, which, objects, expected) => expect(place(which, objects)).toBe(expected))
})

describe('preemption', () => {
  const run = (which: Pod, objects: Objects, budgets: PodDisruptionBudget[] = []) => {
    const world = worldOf(objects)
    const result = attempt(podFacts(which), world)
    if (result.node !== undefined) throw new Error('fits already')
    const way = preempt(podFacts(which), world, result.rejections, budgets)
    return way.node === undefined ? way.message : `${way.node}: ${way.victims.map((v) => v.pod.metadata?.name).join()}`
  }
  const low = (name: string, cpu: string, priority = 0, labels: Record<string, string> = {}) => ({ ...needing(cpu, { priority }), metadata: { name, namespace: 'default', uid: name, labels } })

  test('as few and as unimportant pods as possible go', () => {
    expect(run(needing('600m', { priority: 10 }), { nodes: [node('a')], pods: { a: [low('x', '500m'), low('y', '300m', 5), low('z', '100m')] } })).toBe('a: x')
    expect(run(needing('900m', { priority: 10 }), { nodes: [node('a'), node('b')], pods: { a: [low('x', '500m', 5)], b: [low('y', '500m', 1)] } })).toBe('b: y')
  })
  test('pods under an exhausted budget are spared', () => {
    const budget: PodDisruptionBudget = { metadata: { name: 'b', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'kept' } } }, status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 } }
    const pods = { a: [low('x', '500m', 0, { app: 'kept' })], b: [low('y', '500m', 1)] }
    expect(run(needing('900m', { priority: 10 }), { nodes: [node('a'), node('b')], pods }, [budget])).toBe('b: y')
  })
  test.each<[string, Pod, string]>([
    ['nobody is less important', needing('600m'), '0/1 nodes are available: 1 No preemption victims found for incoming pod.'],
    ['too large for the node', needing('5', { priority: 10 }), '0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['it may not', needing('600m', { priority: 10, preemptionPolicy: 'Never' }), 'not eligible due to preemptionPolicy=Never.'],
  ])('%s', (_name, which, message) => expect(run(which, { nodes: [node('a')], pods: { a: [low('x', '500m')] } })).toBe(message))
})
