// How much of the node is left, and how evenly.
import type { Amounts } from '../../api/pod-amounts.ts'
import { asTheyAre, greatestScore, type Score } from '../framework.ts'
import type { PodFacts } from '../pod-facts.ts'
import type { NodeState } from '../world.ts'

/** What a container without requests is taken to need, so that such pods spread too. */
const assumed: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 }

const used = (pod: PodFacts, node: NodeState, resource: string) =>
  Math.min(1, ((node.requested[resource] ?? 0) + (pod.requests[resource] || assumed[resource] || 0)) / Math.max(1, node.allocatable[resource] ?? 0))

export const leastAllocated: Score = {
  name: 'NodeResourcesFit', weight: 1, normalize: asTheyAre,
  prepare: (pod) => (node) => greatestScore * (1 - (used(pod, node, 'cpu') + used(pod, node, 'memory')) / 2),
}

export const balancedAllocation: Score = {
  name: 'NodeResourcesBalancedAllocation', weight: 1, normalize: asTheyAre,
  prepare: (pod) => (node) => greatestScore * (1 - Math.abs(used(pod, node, 'cpu') - used(pod, node, 'memory')) / 2),
}
