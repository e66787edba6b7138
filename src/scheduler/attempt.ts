// One attempt to find a node for one pod: pure, from the pod and the world to a node or to the reasons why not.
import { interPodAffinity } from './filters/inter-pod-affinity.ts'
import { nodeAffinity, nodeName, nodeUnschedulable, taintToleration } from './filters/node.ts'
import { nodePorts, nodeResourcesFit } from './filters/resources.ts'
import { podTopologySpread } from './filters/topology-spread.ts'
import { volumeBinding, volumeRestrictions } from './filters/volumes.ts'
import type { Filter, Rejection, Score } from './framework.ts'
import type { PodFacts } from './pod-facts.ts'
import { imageLocality } from './scores/images.ts'
import { interPodPreference } from './scores/inter-pod-affinity.ts'
import { nodeAffinityPreference, taintPreference } from './scores/node.ts'
import { balancedAllocation, leastAllocated } from './scores/resources.ts'
import { topologySpreadPreference } from './scores/topology-spread.ts'
import type { NodeState, World } from './world.ts'

/** In upstream's order, which decides the reason that is given. */
const filters: readonly Filter[] = [
  nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodePorts, nodeResourcesFit, volumeRestrictions, volumeBinding, podTopologySpread, interPodAffinity,
]

/** With the weights of upstream's default profile. */
const scores: readonly Score[] = [leastAllocated, balancedAllocation, taintPreference, nodeAffinityPreference, topologySpreadPreference, interPodPreference, imageLocality]

export type Attempt =
  | { node: string }
  /** `message` is how upstream's FailedScheduling begins; `candidates` are nodes on which removing pods might help. */
  | { node: undefined; message: string; rejections: ReadonlyMap<string, Rejection> }

export function attempt(pod: PodFacts, world: World): Attempt {
  if (world.nodes.size === 0) return { node: undefined, message: 'no nodes available to schedule pods', rejections: new Map() }
  const checks = prepareFilters(pod, world)
  if (typeof checks === 'string') return { node: undefined, message: `0/${world.nodes.size} nodes are available: ${checks}.`, rejections: rejectAll(world, checks) }
  const rejections = new Map<string, Rejection>()
  const feasible: NodeState[] = []
  for (const node of world.nodes.values()) {
    const rejection = firstRejection(checks, node)
    if (rejection) rejections.set(node.name, rejection)
    else feasible.push(node)
  }
  if (feasible.length === 0) return { node: undefined, message: `0/${world.nodes.size} nodes are available: ${histogram(rejections.values())}.`, rejections }
  return { node: best(pod, world, feasible).name }
}

type Check = (node: NodeState) => Rejection | undefined

/** A string says why no node will do. */
export function prepareFilters(pod: PodFacts, world: World): Check[] | string {
  const checks: Check[] = []
  for (const filter of filters) {
    const prepared = filter.prepare(pod, world)
    if (typeof prepared === 'string') return prepared
    if (prepared) checks.push(prepared)
  }
  return checks
}

export function firstRejection(checks: readonly Check[], node: NodeState): Rejection | undefined {
  for (const check of checks) {
    const rejection = check(node)
    if (rejection) return rejection
  }
  return undefined
}

const rejectAll = (world: World, reason: string) => new Map([...world.nodes.keys()].map((name) => [name, { reasons: [reason], final: true }]))

/** As in `1 Insufficient cpu, 2 node(s) were unschedulable`. */
export function histogram(rejections: Iterable<Rejection>): string {
  const counts = new Map<string, number>()
  for (const { reasons } of rejections) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort().join(', ')
}

function best(pod: PodFacts, world: World, feasible: readonly NodeState[]): NodeState {
  if (feasible.length === 1) return feasible[0]!
  const totals = feasible.map(() => 0)
  for (const score of scores) {
    const rate = score.prepare(pod, world)
    if (!rate) continue
    score.normalize(feasible.map(rate)).forEach((value, i) => (totals[i]! += value * score.weight))
  }
  return feasible[totals.indexOf(Math.max(...totals))]!
}
