// ReplicaSets and ReplicationControllers: as many pods as wanted, no more (source: pkg/controller/replicaset).
import type { Pod, PodTemplateSpec, ReplicaSetCondition } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { pods as podsRef } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { selectorFromLabels, type LabelSelector } from '../../api/selector.ts'
import { rfc3339, type Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'
import { claim, claimSteps, isDeleting, type ClaimStep } from '../common/owner.ts'
import { availableIn, isActive, isReady, isTerminating, nextAvailability, podFromTemplate } from '../common/pods.ts'
import type { PodStep } from '../common/pod-steps.ts'
import { statusSteps, withCondition, withoutCondition, type StatusStep } from '../common/status.ts'
import { podsToDelete } from './ranking.ts'

/** What both kinds have in common. */
export interface ReplicaOwner extends KubeObject {
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec }
  status?: {
    replicas: number
    fullyLabeledReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    terminatingReplicas?: number
    observedGeneration?: number
    conditions?: ReplicaSetCondition[]
  }
}

interface Observed {
  owner: Stored<ReplicaOwner>
  ownerRef: ResourceRef
  selector: LabelSelector
  /** Pods under the owner's control, and those of its namespace under nobody's. */
  pods: readonly Stored<Pod>[]
  /** Active pods of all sets that belong to the same owner as this one. */
  related: readonly Pod[]
  /** Only ReplicaSets report how many pods are terminating. */
  reportsTerminating: boolean
}

type ReplicaStep = ClaimStep | PodStep | StatusStep

const mostAtOnce = 500

export function planReplicas(observed: Observed, now: number, since: Since): Plan<ReplicaStep> {
  const { owner, ownerRef, selector, pods } = observed
  const unfinished = pods.filter((pod) => isActive(pod) || isTerminating(pod))
  const claims = claim(owner, selector, unfinished)
  const active = claims.mine.filter(isActive)
  const terminating = claims.mine.filter(isTerminating)
  const minReadySeconds = owner.spec?.minReadySeconds
  return {
    steps: [...claimSteps(claims, podsRef, owner, ownerRef), ...(isDeleting(owner) ? [] : [changes(observed, active, now)])],
    last: (failure) => statusSteps<ReplicaOwner>(ownerRef, owner, statusOf(observed, { active, terminating, failure, now, since })),
    wakeAfter: nextAvailability(active, minReadySeconds, since),
  }
}

function changes({ owner, ownerRef, related }: Observed, active: readonly Stored<Pod>[], now: number): PodStep[] {
  const surplus = active.length - wantedReplicas(owner)
  if (surplus > 0) return podsToDelete(active, related, Math.min(surplus, mostAtOnce), now).map((pod) => ({ do: 'deletePod', pod, owner }))
  const pod = podFromTemplate(owner.spec!.template!, owner)
  return Array.from({ length: Math.min(-surplus, mostAtOnce) }, () => ({ do: 'createPod', pod, owner, ownerRef }))
}

const wantedReplicas = (owner: ReplicaOwner): number => owner.spec?.replicas ?? 1

interface Outcome {
  active: readonly Pod[]
  terminating: readonly Pod[]
  failure: Error | undefined
  now: number
  since: Since
}

function statusOf({ owner, reportsTerminating }: Observed, { active, terminating, failure, now, since }: Outcome): NonNullable<ReplicaOwner['status']> {
  const labelled = selectorFromLabels(owner.spec?.template?.metadata?.labels ?? {})
  const count = (test: (pod: Pod) => boolean): number => active.filter(test).length
  const conditions = conditionsOf(owner, active.length, failure, now)
  const counts = {
    fullyLabeledReplicas: count((pod) => labelled.matches(pod.metadata?.labels)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => availableIn(pod, owner.spec?.minReadySeconds, since) === 0),
  }
  return {
    replicas: active.length,
    ...Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)),
    ...(reportsTerminating ? { terminatingReplicas: terminating.length } : {}),
    observedGeneration: Math.max(owner.metadata.generation ?? 0, owner.status?.observedGeneration ?? 0),
    ...(conditions.length ? { conditions } : {}),
  }
}

function conditionsOf(owner: ReplicaOwner, active: number, failure: Error | undefined, now: number): ReplicaSetCondition[] {
  const before = owner.status?.conditions
  if (!failure) return withoutCondition(before, 'ReplicaFailure')
  if (before?.some((condition) => condition.type === 'ReplicaFailure')) return before
  const surplus = active - wantedReplicas(owner)
  const reason = surplus < 0 ? 'FailedCreate' : surplus > 0 ? 'FailedDelete' : ''
  return withCondition(before, { type: 'ReplicaFailure', status: 'True', reason, message: failure.message, lastTransitionTime: rfc3339(now) })
}
