// Which pod goes first when memory is short (source: "Node-pressure Eviction"): those above their requests, then by priority, then by how far above.
import type { AgentPod } from '../pod/types.ts'
import { podAmounts } from '../../api/pod-amounts.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'

interface MemoryUser {
  pod: AgentPod
  usedBytes: number
}

const critical = 2_000_000_000

/** Undefined when no pod may be evicted. */
export function firstToEvict(users: readonly MemoryUser[]): AgentPod | undefined {
  const excess = ({ pod, usedBytes }: MemoryUser) => usedBytes - (podAmounts(pod, 'requests')['memory'] ?? 0)
  const candidates = users.filter(({ pod }) => (pod.spec.priority ?? 0) < critical && !isTerminalPhase(pod.status.phase) && !pod.metadata.deletionTimestamp)
  const [first] = [...candidates].sort((a, b) =>
    Number(excess(b) > 0) - Number(excess(a) > 0) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || excess(b) - excess(a))
  return first?.pod
}
