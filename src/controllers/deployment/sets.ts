// A deployment's ReplicaSets as the planner sees them: what they are, and what it makes of them.
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { canonical } from '../common/hash.ts'
import { scaledValue } from '../common/int-or-percent.ts'
import { millisecondsOf } from '../common/pods.ts'

export const annotation = {
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
  desired: 'deployment.kubernetes.io/desired-replicas',
  most: 'deployment.kubernetes.io/max-replicas',
} as const
export const hashLabel = 'pod-template-hash'
const notCopied = new Set<string>([...Object.values(annotation), 'kubectl.kubernetes.io/last-applied-configuration', 'deprecated.deployment.rollback.to'])
const historyCharacters = 2000

export interface SetDraft {
  set: Stored<ReplicaSet>
  replicas: number
  annotations: Record<string, string>
  minReadySeconds: number
  /** Of `replicas`, those that are available. */
  available: number
}

export const draftOf = (set: Stored<ReplicaSet>): SetDraft => ({
  set, replicas: set.spec?.replicas ?? 1, annotations: { ...set.metadata.annotations }, minReadySeconds: set.spec?.minReadySeconds ?? 0,
  available: set.status?.availableReplicas ?? 0,
})

/** @returns the object to write when the draft differs from what is. */
export function changeOf({ set, replicas, annotations, minReadySeconds }: SetDraft): Stored<ReplicaSet> | undefined {
  const before = draftOf(set)
  const same = before.replicas === replicas && before.minReadySeconds === minReadySeconds && canonical(before.annotations) === canonical(annotations)
  return same ? undefined : { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec!, replicas, minReadySeconds } }
}

export const wantedReplicas = (deployment: Deployment): number => deployment.spec?.replicas ?? 1
const rolls = (deployment: Deployment): boolean => deployment.spec?.strategy?.type !== 'Recreate'

/** How many pods more and fewer than wanted there may be while rolling. */
export function limits(deployment: Deployment): { surge: number; unavailable: number } {
  if (!rolls(deployment)) return { surge: 0, unavailable: 0 }
  const replicas = wantedReplicas(deployment)
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, replicas, 'up')
  const unavailable = scaledValue(maxUnavailable, replicas, 'down')
  return { surge, unavailable: replicas === 0 ? 0 : Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) }
}

export const total = (sets: readonly SetDraft[]): number => sets.reduce((sum, set) => sum + set.replicas, 0)

const withoutHash = (template: PodTemplateSpec): PodTemplateSpec => {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

export const sameTemplate = (a: PodTemplateSpec, b: PodTemplateSpec): boolean => canonical(withoutHash(a)) === canonical(withoutHash(b))

export const older = (a: Stored, b: Stored): number =>
  millisecondsOf(a.metadata.creationTimestamp) - millisecondsOf(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1)

/** An int64, which a number cannot hold. What is no number counts as zero. */
export function revisionOf(annotations: Record<string, string> | undefined): bigint {
  const text = annotations?.[annotation.revision] ?? ''
  return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : 0n
}

/** What the set of the present template is annotated with: the deployment's own annotations and its revision (source: `SetNewReplicaSetAnnotations`). */
export function annotateNewSet(annotations: Record<string, string>, deployment: Deployment, revision: bigint): void {
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) if (!notCopied.has(key)) annotations[key] = value
  const before = annotations[annotation.revision]
  if (revisionOf(annotations) >= revision) return
  annotations[annotation.revision] = String(revision)
  if (before === undefined) return
  const history = annotations[annotation.history] ? annotations[annotation.history]!.split(',') : []
  history.push(before)
  while (history.join(',').length > historyCharacters) history.shift()
  annotations[annotation.history] = history.join(',')
}

export function annotateScale(annotations: Record<string, string>, deployment: Deployment): void {
  const replicas = wantedReplicas(deployment)
  annotations[annotation.desired] = String(replicas)
  annotations[annotation.most] = String(replicas + limits(deployment).surge)
}

export function scale(draft: SetDraft, replicas: number, deployment: Deployment): void {
  draft.replicas = replicas
  annotateScale(draft.annotations, deployment)
}
