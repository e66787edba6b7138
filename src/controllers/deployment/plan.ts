// Deployments: one round of a rollout, a scaling, or nothing (source: pkg/controller/deployment).
import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isFinished } from '../../api/pod-phase.ts'
import { deployments, replicasets } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { LabelSelector } from '../../api/selector.ts'
import type { Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'
import { canonical, templateHash } from '../common/hash.ts'
import { claim, claimSteps, controllerRefTo, isDeleting, type ClaimStep } from '../common/owner.ts'
import { pruned, withCondition } from '../common/status.ts'
import { newSetReplicas, roll, scaleInProportion, stopOld } from './rollout.ts'
import {
  annotateNewSet, annotateScale, annotation, changeOf, draftOf, hashLabel, older, revisionOf, sameTemplate, wantedReplicas, type SetDraft,
} from './sets.ts'
import { condition, isComplete, progressCheckAfter, progressDeadline, progressing, statusOf, withRollout } from './status.ts'

interface Observed {
  deployment: Stored<Deployment>
  selector: LabelSelector
  /** ReplicaSets under the deployment's control, and those of its namespace under nobody's. */
  sets: readonly Stored<ReplicaSet>[]
  podsOf(set: Stored<ReplicaSet>): readonly Pod[]
}

export type DeploymentStep =
  | ClaimStep
  | { do: 'createSet'; deployment: Stored<Deployment>; set: ReplicaSet }
  | { do: 'updateSet'; deployment: Stored<Deployment>; before: Stored<ReplicaSet>; set: Stored<ReplicaSet> }
  | { do: 'deleteSet'; set: Stored<ReplicaSet> }
  | { do: 'updateDeploymentStatus'; deployment: Stored<Deployment>; status: DeploymentStatus; revision: string | undefined }
  | { do: 'refuse'; deployment: Stored<Deployment> }

/** What failed when the executor could not make a new ReplicaSet. */
export class SetCreationError extends Error {}

const ref = deployments as ResourceRef

export function planDeployment({ deployment, selector, sets, podsOf }: Observed, now: number, since: Since): Plan<DeploymentStep> {
  if (selector.empty) return { steps: [{ do: 'refuse', deployment }] }
  const claims = claim(deployment, selector, sets)
  const drafts = [...claims.mine].sort(older).map(draftOf)
  const newSet = drafts.find(({ set }) => sameTemplate(set.spec!.template!, deployment.spec!.template))
  const oldSets = drafts.filter((draft) => draft !== newSet)
  const revision = oldSets.map((draft) => revisionOf(draft.annotations)).reduce((most, one) => (one > most ? one : most), 0n) + 1n
  const round = isDeleting(deployment) ? { rollout: false, steps: [] } : planRound({ deployment, newSet, oldSets, drafts, revision, podsOf })
  const changes = drafts.flatMap((draft): DeploymentStep[] => {
    const set = changeOf(draft)
    return set ? [{ do: 'updateSet', deployment, before: draft.set, set }] : []
  })
  const conditions = conditionsOf(deployment, { newSet, created: round.created, now })
  const outcome = { sets: drafts, newSet, now, since }
  const plain = statusOf(deployment, outcome, conditions)
  const status = round.rollout ? withRollout(deployment, plain, outcome) : plain
  const annotated = newSet?.annotations[annotation.revision] ?? (round.created ? String(revision) : undefined)
  return {
    steps: [...claimSteps(claims, replicasets as ResourceRef, deployment, ref), ...changes, ...round.steps],
    last(failure) {
      if (failure) return statusStep(deployment, failure instanceof SetCreationError ? failed(deployment, failure, now) : undefined, undefined)
      return statusStep(deployment, status, annotated)
    },
    wakeAfter: round.rollout ? progressCheckAfter(deployment, status, since) : undefined,
  }
}

interface RoundInput {
  deployment: Stored<Deployment>
  newSet: SetDraft | undefined
  oldSets: readonly SetDraft[]
  drafts: readonly SetDraft[]
  revision: bigint
  podsOf: Observed['podsOf']
}

interface Round {
  /** Whether the status is that of a rollout. */
  rollout: boolean
  created?: ReplicaSet
  steps: DeploymentStep[]
}

function planRound(input: RoundInput): Round {
  const { deployment, newSet, oldSets, drafts, revision, podsOf } = input
  if (newSet) {
    annotateNewSet(newSet.annotations, deployment, revision)
    newSet.minReadySeconds = deployment.spec?.minReadySeconds ?? 0
  }
  const paused = deployment.spec?.paused ?? false
  if (paused || wasScaled(deployment, drafts)) {
    scaleInProportion(deployment, newSet, oldSets)
    return { rollout: false, steps: paused ? cleanUp(deployment, oldSets) : [] }
  }
  if (deployment.spec?.strategy?.type === 'Recreate') {
    if (stopOld(deployment, oldSets) || oldPodsRun(oldSets, podsOf)) return { rollout: true, steps: [] }
    if (!newSet) return create(input)
    if (newSet.replicas !== wantedReplicas(deployment)) {
      newSet.replicas = wantedReplicas(deployment)
      annotateScale(newSet.annotations, deployment)
    }
  } else {
    if (!newSet) return create(input)
    if (roll(deployment, newSet, oldSets)) return { rollout: true, steps: [] }
  }
  return { rollout: true, steps: isComplete(deployment, deployment.status) ? cleanUp(deployment, oldSets) : [] }
}

const wasScaled = (deployment: Deployment, drafts: readonly SetDraft[]): boolean =>
  drafts.some(({ replicas, annotations }) => {
    const desired = annotations[annotation.desired] ?? ''
    return replicas > 0 && /^\d+$/.test(desired) && Number(desired) !== wantedReplicas(deployment)
  })

const oldPodsRun = (oldSets: readonly SetDraft[], podsOf: Observed['podsOf']): boolean =>
  oldSets.some(({ set }) => (set.status?.replicas ?? 0) > 0 || podsOf(set).some((pod) => !isFinished(pod)))

const longestName = 253

function create({ deployment, drafts, revision }: RoundInput): Round {
  const { template, selector, minReadySeconds } = deployment.spec!
  const hash = templateHash(template, deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  const annotations: Record<string, string> = {}
  annotateNewSet(annotations, deployment, revision)
  annotateScale(annotations, deployment)
  const { name, namespace } = deployment.metadata
  const created: ReplicaSet = {
    metadata: {
      name: `${name.slice(0, longestName - 1 - hash.length)}-${hash}`, namespace, labels, annotations, ownerReferences: [controllerRefTo(deployment, ref)],
    },
    spec: {
      replicas: newSetReplicas(deployment, drafts, 0), ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
  return { rollout: true, created, steps: [{ do: 'createSet', deployment, set: created }] }
}

function cleanUp(deployment: Deployment, oldSets: readonly SetDraft[]): DeploymentStep[] {
  const limit = deployment.spec?.revisionHistoryLimit
  if (limit === undefined || limit === 2 ** 31 - 1) return []
  const alive = oldSets.filter(({ set }) => !isDeleting(set)).sort((a, b) => Number(revisionOf(a.annotations) - revisionOf(b.annotations)) || older(a.set, b.set))
  return alive.slice(0, Math.max(0, alive.length - limit)).filter(isIdle).map(({ set }) => ({ do: 'deleteSet', set }))
}

const isIdle = ({ set, replicas }: SetDraft): boolean =>
  replicas === 0 && !set.status?.replicas && !set.spec?.replicas && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0)

interface Sets {
  newSet: SetDraft | undefined
  created: ReplicaSet | undefined
  now: number
}

/** The conditions with what pausing, resuming and a new set add to them, before progress is judged. */
function conditionsOf(deployment: Stored<Deployment>, { newSet, created, now }: Sets): readonly DeploymentCondition[] {
  const before = deployment.status?.conditions ?? []
  const progress = (status: string, reason: string, message: string) => withCondition(before, condition('Progressing', status, reason, message, now))
  if (progressDeadline(deployment) === undefined || isDeleting(deployment)) return before
  const current = progressing(before)
  const paused = deployment.spec?.paused ?? false
  if (created) return progress('True', 'NewReplicaSetCreated', `Created new replica set "${created.metadata?.name}"`)
  if (current?.reason !== 'ProgressDeadlineExceeded') {
    if (paused && current?.reason !== 'DeploymentPaused') return progress('Unknown', 'DeploymentPaused', 'Deployment is paused')
    if (!paused && current?.reason === 'DeploymentPaused') return progress('Unknown', 'DeploymentResumed', 'Deployment is resumed')
  }
  if (newSet && !current) return progress('True', 'FoundNewReplicaSet', `Found new replica set "${newSet.set.metadata.name}"`)
  return before
}

function failed(deployment: Stored<Deployment>, failure: Error, now: number): DeploymentStatus | undefined {
  if (progressDeadline(deployment) === undefined) return undefined
  return { ...deployment.status, conditions: withCondition(deployment.status?.conditions, condition('Progressing', 'False', 'ReplicaSetCreateError', failure.message, now)) }
}

function statusStep(deployment: Stored<Deployment>, status: DeploymentStatus | undefined, revision: string | undefined): DeploymentStep[] {
  if (!status) return []
  const sameRevision = revision === undefined || deployment.metadata.annotations?.[annotation.revision] === revision
  if (sameRevision && canonical(deployment.status ?? {}) === canonical(status)) return []
  return [{ do: 'updateDeploymentStatus', deployment, status: pruned(status), revision }]
}
