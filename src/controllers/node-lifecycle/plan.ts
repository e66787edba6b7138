// Nodes that fall silent: their conditions become Unknown, they are tainted, and the pods that do not tolerate that are evicted in time.
// How long a node has been silent is measured by this server's monotonic clock since it last saw a sign of life, so no wall clock matters.
import type { Node, NodeCondition, Pod, Taint } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { tolerates } from '../../api/tolerations.ts'
import { rfc3339 } from '../../base/clock.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'

type NodeLifecycleStep =
  | { do: 'markUnknown'; node: Stored<Node>; conditions: NodeCondition[] }
  | { do: 'setTaints'; node: Stored<Node>; taints: Taint[] }
  | { do: 'markPodsNotReady'; pods: readonly Stored<Pod>[]; now: string }
  | { do: 'evict'; pods: readonly Stored<Pod>[]; now: string }

interface Observed {
  node: Stored<Node>
  /** On this node. */
  pods: readonly Stored<Pod>[]
  /** Milliseconds since the last sign of life, and since each of the node's NoExecute taints was first seen, by `key=value:effect`. */
  silentFor: number
  taintedFor: ReadonlyMap<string, number>
  /** Every node is silent: the fault is likelier ours, so nobody is evicted (upstream's full disruption mode). */
  everyNodeSilent: boolean
}

/** Of silence, in milliseconds (upstream's node-monitor-grace-period). */
export const gracePeriod = 50_000

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']
const taintKeys = {
  notReady: 'node.kubernetes.io/not-ready', unreachable: 'node.kubernetes.io/unreachable', unschedulable: 'node.kubernetes.io/unschedulable',
  MemoryPressure: 'node.kubernetes.io/memory-pressure', DiskPressure: 'node.kubernetes.io/disk-pressure', PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
} as const
const ownKeys: readonly string[] = Object.values(taintKeys)

export const taintId = ({ key, value, effect }: Taint): string => `${key}=${value ?? ''}:${effect}`

export function planNodeLifecycle(observed: Observed, now: number): Plan<NodeLifecycleStep> {
  const { node, pods, silentFor } = observed
  if (node.metadata.deletionTimestamp) return nothingToDo
  const unknown = silentFor >= gracePeriod ? unknownConditions(node, now) : []
  if (unknown.length > 0) return { steps: [{ do: 'markUnknown', node, conditions: unknown }] }
  const wanted = wantedTaints(node, now)
  if (wanted) return { steps: [{ do: 'setTaints', node, taints: wanted }] }
  const steps: NodeLifecycleStep[] = []
  const time = rfc3339(now)
  if (conditionOf(node, 'Ready')?.status !== 'True') {
    const stale = pods.filter((pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
    if (stale.length > 0) steps.push({ do: 'markPodsNotReady', pods: stale, now: time })
  }
  const { due, next } = evictions(observed)
  if (due.length > 0) steps.push({ do: 'evict', pods: due, now: time })
  const untilSilent = silentFor < gracePeriod ? gracePeriod - silentFor : Infinity
  const wakeAfter = Math.min(untilSilent, next)
  return wakeAfter === Infinity ? { steps } : { steps, wakeAfter }
}

const conditionOf = (node: Node, type: string) => node.status?.conditions?.find((c) => c.type === type)

function unknownConditions(node: Stored<Node>, now: number): NodeCondition[] {
  const time = rfc3339(now)
  return watched.flatMap((type) => {
    const before = conditionOf(node, type)
    if (!before) {
      const never = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' }
      return [{ type, status: 'Unknown', ...never, lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: time }]
    }
    if (before.status === 'Unknown') return []
    return [{ ...before, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: time }]
  })
}

/** Undefined when the node has them already. */
function wantedTaints(node: Stored<Node>, now: number): Taint[] | undefined {
  const present = node.spec?.taints ?? []
  const wanted: Taint[] = []
  const add = (key: string, effect: string) => wanted.push({ key, effect })
  const ready = conditionOf(node, 'Ready')?.status
  if (node.spec?.unschedulable) add(taintKeys.unschedulable, 'NoSchedule')
  for (const type of ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'] as const) if (conditionOf(node, type)?.status === 'True') add(taintKeys[type], 'NoSchedule')
  if (ready === 'False' || ready === 'Unknown') {
    const key = ready === 'False' ? taintKeys.notReady : taintKeys.unreachable
    add(key, 'NoSchedule')
    add(key, 'NoExecute')
  }
  // registered with it by its agent or by admission: it stays until the node says something
  if (ready === undefined) wanted.push(...present.filter((t) => t.key === taintKeys.notReady))
  const isOwn = (taint: Taint) => ownKeys.includes(taint.key) && (taint.effect === 'NoSchedule' || taint.key === taintKeys.notReady || taint.key === taintKeys.unreachable)
  const ids = (taints: readonly Taint[]) => taints.filter(isOwn).map(taintId).sort().join()
  if (ids(present) === ids(wanted)) return undefined
  const kept = (taint: Taint) => present.find((p) => taintId(p) === taintId(taint)) ?? (taint.effect === 'NoExecute' ? { ...taint, timeAdded: rfc3339(now) } : taint)
  return [...present.filter((t) => !isOwn(t)), ...wanted.map(kept)]
}

function evictions({ node, pods, taintedFor, everyNodeSilent }: Observed): { due: Stored<Pod>[]; next: number } {
  const taints = (node.spec?.taints ?? []).filter((t) => t.effect === 'NoExecute')
  const due: Stored<Pod>[] = []
  let next = Infinity
  if (taints.length === 0 || everyNodeSilent) return { due, next }
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue
    const left = Math.min(...taints.map((taint) => toleratedFor(pod, taint) - (taintedFor.get(taintId(taint)) ?? 0)))
    if (left <= 0) due.push(pod)
    else next = Math.min(next, left)
  }
  return { due, next }
}

/** Milliseconds that the pod stays after the taint came; the shortest of the tolerations that match. */
function toleratedFor(pod: Pod, taint: Taint): number {
  const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
  if (matching.length === 0) return 0
  const limits = matching.flatMap((t) => (t.tolerationSeconds === undefined ? [] : [Math.max(0, t.tolerationSeconds)]))
  return limits.length === 0 ? Infinity : Math.min(...limits) * 1000
}
