// Which pods of a replica set go first when there are too many (source: controller_utils.go `ActivePodsWithRanks`).
import type { Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isReady, millisecondsOf, podCondition } from '../common/pods.ts'

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }
const nanosecondsPerMillisecond = 1e6

/** @param related pods of all sets with the same owner: pods whose node has many of these are let go first. */
export function podsToDelete(active: readonly Stored<Pod>[], related: readonly Pod[], count: number, now: number): Stored<Pod>[] {
  if (count >= active.length) return [...active]
  const onNode = new Map<string, number>()
  for (const pod of related) {
    const node = pod.spec?.nodeName
    if (node && isReady(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1)
  }
  const rank = (pod: Pod) => onNode.get(pod.spec?.nodeName ?? '') ?? 0
  return [...active].sort((a, b) => compare(a, b, rank, now)).slice(0, count)
}

function compare(a: Stored<Pod>, b: Stored<Pod>, rank: (pod: Pod) => number, now: number): number {
  const [readyA, readyB] = [isReady(a), isReady(b)]
  return (
    Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
    (phaseOrder[a.status?.phase ?? ''] ?? 0) - (phaseOrder[b.status?.phase ?? ''] ?? 0) ||
    Number(readyA) - Number(readyB) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a) ||
    (readyA && readyB ? byAge(a, b, readySince(a), readySince(b), now) : 0) ||
    restarts(b) - restarts(a) ||
    sidecarRestarts(b) - sidecarRestarts(a) ||
    byAge(a, b, millisecondsOf(a.metadata.creationTimestamp), millisecondsOf(b.metadata.creationTimestamp), now)
  )
}

/** The younger first, but ages of one power of two are as good as equal: then the uid decides. */
function byAge(a: Stored<Pod>, b: Stored<Pod>, timeA: number, timeB: number, now: number): number {
  if (timeA === timeB) return 0
  const difference = magnitude(now - timeA) - magnitude(now - timeB)
  return difference || (a.metadata.uid < b.metadata.uid ? -1 : 1)
}

const magnitude = (milliseconds: number): number => (milliseconds > 0 ? Math.floor(Math.log2(milliseconds * nanosecondsPerMillisecond)) : -1)

const readySince = (pod: Pod): number => millisecondsOf(podCondition(pod, 'Ready')?.lastTransitionTime)

function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? ''
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0
}

const restarts = (pod: Pod): number => Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount))

function sidecarRestarts(pod: Pod): number {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  return Math.max(0, ...(pod.status?.initContainerStatuses ?? []).filter((status) => sidecars.has(status.name)).map((status) => status.restartCount))
}
