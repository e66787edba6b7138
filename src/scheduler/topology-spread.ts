// Counting pods by topology domain, for the filter and the score of topology spread constraints (KEP-895, KEP-3022, KEP-3094, KEP-3243).
import type { TopologySpreadConstraint } from '../api/generated/types.ts'
import { labelSelectorOf } from '../api/selector.ts'
import { nodeAffinity } from './filters/node.ts'
import { untolerated } from '../api/tolerations.ts'
import { withLabelKeys, type PodFacts } from './pod-facts.ts'
import { type NodeState, type World } from './world.ts'

interface SpreadCount {
  constraint: TopologySpreadConstraint
  /** Matching pods by domain, over the nodes that count. */
  counts: ReadonlyMap<string, number>
  /** Whether the pod itself will be counted. */
  countsItself: boolean
}

export function countSpread(pod: PodFacts, world: World, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): SpreadCount[] {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === whenUnsatisfiable)
  if (constraints.length === 0) return []
  const isAffine = nodeAffinity.prepare(pod, world)
  const affine = (node: NodeState) => typeof isAffine !== 'function' || !isAffine(node)
  const eligible = [...world.nodes.values()].filter((node) => constraints.every((c) => Object.hasOwn(node.labels, c.topologyKey)))
  return constraints.map((constraint) => {
    const selector = labelSelectorOf(withLabelKeys(constraint.labelSelector, pod.pod, constraint.matchLabelKeys))
    const counts = new Map<string, number>()
    for (const node of eligible) {
      if (constraint.nodeAffinityPolicy !== 'Ignore' && !affine(node)) continue
      if (constraint.nodeTaintsPolicy === 'Honor' && untolerated(pod.tolerations, node.taints, ['NoSchedule', 'NoExecute'])) continue
      const domain = node.labels[constraint.topologyKey]!
      const here = node.pods.filter((p) => p.namespace === pod.namespace && !p.pod.metadata?.deletionTimestamp && selector.matches(p.labels)).length
      counts.set(domain, (counts.get(domain) ?? 0) + here)
    }
    return { constraint, counts, countsItself: selector.matches(pod.labels) }
  })
}
