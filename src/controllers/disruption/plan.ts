// What a PodDisruptionBudget's status says: how many of its pods may go now. Pure.
// Source: Kubernetes' disruption controller.
import type { Pod, PodDisruptionBudget } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { rfc3339, type Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'

type Budget = Stored<PodDisruptionBudget>
type Status = NonNullable<PodDisruptionBudget['status']>

type DisruptionStep =
  | { do: 'writeStatus'; budget: Budget; status: Status }
  | { do: 'tell'; budget: Budget; type: 'Normal' | 'Warning'; reason: string; message: string }

interface Observed {
  budget: Budget
  /** That its selector matches, without those that are over. */
  pods: readonly Stored<Pod>[]
  /** Replicas that the controllers of these pods want, each counted once; undefined when a pod has no controller with a scale. */
  wantedReplicas: number | undefined
}

/** How long an eviction that was granted counts, when its pod is still there. */
const evictionMilliseconds = 120_000

export function planDisruption({ budget, pods, wantedReplicas }: Observed, now: number, elapsed: Since): Plan<DisruptionStep> {
  const expected = expectation(budget, pods.length, wantedReplicas)
  if (!expected) {
    const message = 'found no controllers for pod disruption budget: percentages and maxUnavailable need pods of controllers with a scale'
    return { steps: [{ do: 'tell', budget, type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message: `Failed to calculate the number of expected pods: ${message}` }, ...write(budget, failed(budget, now))] }
  }
  const { kept, wakeAfter } = pendingEvictions(budget, pods, elapsed)
  const healthy = pods.filter((pod) => !pod.metadata.deletionTimestamp && !(pod.metadata.name in kept) && isReady(pod)).length
  const allowed = expected.count > 0 ? Math.max(0, healthy - expected.healthy) : 0
  const status: Status = {
    currentHealthy: healthy, desiredHealthy: expected.healthy, expectedPods: expected.count, disruptionsAllowed: allowed, observedGeneration: budget.metadata.generation,
    ...(Object.keys(kept).length > 0 ? { disruptedPods: kept } : {}), conditions: conditions(budget, allowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'], now),
  }
  return { steps: write(budget, status), wakeAfter }
}

const isReady = (pod: Pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

function expectation({ spec }: Budget, matching: number, wantedReplicas: number | undefined): { count: number; healthy: number } | undefined {
  const { maxUnavailable, minAvailable } = spec ?? {}
  if (maxUnavailable !== undefined) {
    if (wantedReplicas === undefined) return undefined
    return { count: wantedReplicas, healthy: Math.max(0, wantedReplicas - scaled(maxUnavailable, wantedReplicas)) }
  }
  if (typeof minAvailable === 'number') return { count: matching, healthy: minAvailable }
  if (minAvailable === undefined) return { count: matching, healthy: 0 }
  return wantedReplicas === undefined ? undefined : { count: wantedReplicas, healthy: scaled(minAvailable, wantedReplicas) }
}

/** A percentage of `total` is rounded up. */
const scaled = (value: number | string, total: number): number => (typeof value === 'number' ? value : Math.ceil((parseInt(value, 10) * total) / 100))

function pendingEvictions(budget: Budget, pods: readonly Stored<Pod>[], elapsed: Since): { kept: Record<string, string>; wakeAfter: number | undefined } {
  const present = new Map(pods.map((pod) => [pod.metadata.name, pod]))
  const kept: Record<string, string> = {}
  let next = Infinity
  for (const [name, since] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const left = evictionMilliseconds - elapsed(Date.parse(since))
    const pod = present.get(name)
    if (!pod || pod.metadata.deletionTimestamp || left <= 0) continue
    kept[name] = since
    next = Math.min(next, left)
  }
  return { kept, wakeAfter: next === Infinity ? undefined : next }
}

function conditions(budget: Budget, [status, reason]: readonly [string, string], now: number, message = ''): NonNullable<Status['conditions']> {
  const before = budget.status?.conditions?.find((c) => c.type === 'DisruptionAllowed')
  const since = before?.status === status ? before.lastTransitionTime : rfc3339(now)
  const others = budget.status?.conditions?.filter((c) => c.type !== 'DisruptionAllowed') ?? []
  return [...others, { type: 'DisruptionAllowed', status, reason, message, lastTransitionTime: since, observedGeneration: budget.metadata.generation }]
}

const failed = (budget: Budget, now: number): Status => ({
  currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...budget.status, disruptionsAllowed: 0, observedGeneration: budget.metadata.generation,
  conditions: conditions(budget, ['False', 'SyncFailed'], now, 'the number of expected pods cannot be calculated'),
})

const write = (budget: Budget, status: Status): DisruptionStep[] => (JSON.stringify(sorted(budget.status)) === JSON.stringify(sorted(status)) ? [] : [{ do: 'writeStatus', budget, status }])

const sorted = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(sorted)
  : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]))
  : value
