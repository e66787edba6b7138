// What a deployment says of itself (source: pkg/controller/deployment/{sync,progress}.go).
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { rfc3339, type Since } from '../../base/clock.ts'
import { millisecondsOf } from '../common/pods.ts'
import { withCondition, withoutCondition } from '../common/status.ts'
import { limits, total, wantedReplicas, type SetDraft } from './sets.ts'

const never = 2 ** 31 - 1

export const progressDeadline = (deployment: Deployment): number | undefined => {
  const seconds = deployment.spec?.progressDeadlineSeconds
  return seconds === undefined || seconds === never ? undefined : seconds
}

export const progressing = (conditions: readonly DeploymentCondition[] | undefined) => conditions?.find((condition) => condition.type === 'Progressing')

export function condition(type: string, status: string, reason: string, message: string, now: number): DeploymentCondition {
  const time = rfc3339(now)
  return { type, status, reason, message, lastUpdateTime: time, lastTransitionTime: time }
}

interface Outcome {
  sets: readonly SetDraft[]
  newSet: SetDraft | undefined
  now: number
  since: Since
}

/** @param conditions those the deployment has, with what this round has found out. */
export function statusOf(deployment: Stored<Deployment>, { sets, newSet, now }: Outcome, conditions: readonly DeploymentCondition[]): DeploymentStatus {
  const sum = (of: readonly SetDraft[], field: 'replicas' | 'readyReplicas' | 'availableReplicas') => of.reduce((n, { set }) => n + (set.status?.[field] ?? 0), 0)
  const available = sum(sets, 'availableReplicas')
  const enough = available >= wantedReplicas(deployment) - limits(deployment).unavailable
  const counts = {
    replicas: sum(sets, 'replicas'), updatedReplicas: newSet ? sum([newSet], 'replicas') : 0, readyReplicas: sum(sets, 'readyReplicas'),
    availableReplicas: available, unavailableReplicas: Math.max(0, total(sets) - available), collisionCount: deployment.status?.collisionCount ?? 0,
  }
  return {
    ...(deployment.metadata.generation ? { observedGeneration: deployment.metadata.generation } : {}),
    ...Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)),
    ...terminating(sets.map(({ set }) => set)),
    conditions: withCondition(conditions, enough
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
      : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', now)),
  }
}

function terminating(sets: readonly ReplicaSet[]): { terminatingReplicas?: number } {
  const observed = sets.filter(({ status }) => status?.observedGeneration || status?.terminatingReplicas !== undefined)
  if (observed.some(({ status }) => status?.terminatingReplicas === undefined)) return {}
  return { terminatingReplicas: observed.reduce((n, { status }) => n + (status?.terminatingReplicas ?? 0), 0) }
}

export const isComplete = (deployment: Stored<Deployment>, status: DeploymentStatus | undefined): boolean => {
  const wanted = wantedReplicas(deployment)
  const counts = [status?.updatedReplicas, status?.replicas, status?.availableReplicas]
  return counts.every((count) => (count ?? 0) === wanted) && (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
}

/** Adds to `status` what a rollout says: progress, the lack of it, failures of its sets. */
export function withRollout(deployment: Stored<Deployment>, status: DeploymentStatus, outcome: Outcome): DeploymentStatus {
  const { sets, newSet } = outcome
  const conditions = withProgress(deployment, status, outcome)
  const failure = [...(newSet ? [newSet] : []), ...sets].flatMap(({ set }) => set.status?.conditions ?? []).find((c) => c.type === 'ReplicaFailure')
  if (!failure) return { ...status, conditions: withoutCondition(conditions, 'ReplicaFailure') }
  const { type, status: state, reason, message, lastTransitionTime } = failure
  return { ...status, conditions: withCondition(conditions, { type, status: state, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime }) }
}

function withProgress(deployment: Stored<Deployment>, status: DeploymentStatus, { newSet, now, since }: Outcome): DeploymentCondition[] {
  const conditions = status.conditions ?? []
  const deadline = progressDeadline(deployment)
  if (deadline === undefined) return withoutCondition(conditions, 'Progressing')
  const current = progressing(conditions)
  const alreadyDone = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
  if (alreadyDone) return conditions
  const what = newSet ? `ReplicaSet "${newSet.set.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  if (isComplete(deployment, status)) {
    return withCondition(conditions, condition('Progressing', 'True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`, now))
  }
  if (hasProgressed(deployment.status, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${what} is progressing.`, now)
    if (current?.status === 'True') next.lastTransitionTime = current.lastTransitionTime
    return [...withoutCondition(conditions, 'Progressing'), next]
  }
  const isLate = current && (current.reason === 'ProgressDeadlineExceeded' || since(millisecondsOf(current.lastUpdateTime)) > deadline * 1000)
  if (isLate && current.reason !== 'NewReplicaSetAvailable') {
    return withCondition(conditions, condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`, now))
  }
  return conditions
}

function hasProgressed(before: DeploymentStatus = {}, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) || (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** Milliseconds until the lack of progress must be looked at. */
export function progressCheckAfter(deployment: Stored<Deployment>, status: DeploymentStatus, since: Since): number | undefined {
  const deadline = progressDeadline(deployment)
  const current = progressing(status.conditions)
  if (deadline === undefined || !current || isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined
  return Math.max(0, deadline * 1000 - since(millisecondsOf(current.lastUpdateTime))) + 1000
}
