// Pods that nobody else will take away: on nodes that are gone, going without a node, and those that are over beyond a number kept.
import type { Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import type { Plan } from '../../controller/definition.ts'

type PodGarbageStep = { do: 'delete'; pod: Stored<Pod>; reason: 'orphaned' | 'unscheduled' | 'over' }

interface Observed {
  pods: readonly Stored<Pod>[]
  nodes: ReadonlySet<string>
  /** Nodes whose absence was confirmed by asking the server, long enough after they were first missed. */
  confirmedGone: ReadonlySet<string>
  /** How many pods that are over may stay. */
  keepOver: number
}

export function planPodGarbage({ pods, nodes, confirmedGone, keepOver }: Observed): Plan<PodGarbageStep> {
  const steps: PodGarbageStep[] = []
  const doomed = new Set<Stored<Pod>>()
  const remove = (pod: Stored<Pod>, reason: PodGarbageStep['reason']) => {
    if (doomed.has(pod)) return
    doomed.add(pod)
    steps.push({ do: 'delete', pod, reason })
  }
  for (const pod of pods) {
    const node = pod.spec?.nodeName
    if (node && !nodes.has(node) && confirmedGone.has(node)) remove(pod, 'orphaned')
    else if (!node && pod.metadata.deletionTimestamp) remove(pod, 'unscheduled')
  }
  const over = pods.filter((pod) => isFinished(pod) && !doomed.has(pod)).sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp))
  for (const pod of over.slice(0, Math.max(0, over.length - keepOver))) remove(pod, 'over')
  return { steps: [steps] }
}
