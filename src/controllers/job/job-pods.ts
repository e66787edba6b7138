// What the job controller asks of a job and its pods (source: pkg/controller/job).
import type { ContainerStatus, Job, Pod } from '../../api/generated/types.ts'
import { isReady, millisecondsOf, podCondition } from '../common/pods.ts'

/** Keeps a pod from vanishing before it is counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
export const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isTracked = (pod: Pod): boolean => pod.metadata?.finalizers?.includes(trackingFinalizer) ?? false

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed'

export const isSuspended = (job: Job): boolean => job.spec?.suspend === true

export const limitsEachIndex = (job: Job): boolean => job.spec?.backoffLimitPerIndex !== undefined

export const isManagedElsewhere = (job: Job): boolean => job.spec?.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller'

export const isJobFinished = (job: Job): boolean => finishedCondition(job) !== undefined

export const finishedCondition = (job: Job) => job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')

/** Terminating pods are replaced only when they have failed for good. */
export const replacesOnlyFailed = ({ spec }: Job): boolean => spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined

/** Deleted pods count as failures, too: some never get as far as to fail. */
export function isPodFailed(pod: Pod, job: Job): boolean {
  const { phase } = pod.status ?? {}
  if (phase === 'Failed') return true
  return !replacesOnlyFailed(job) && pod.metadata?.deletionTimestamp !== undefined && phase !== 'Succeeded'
}

export const isPodSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded'

/** undefined: the pod has none that is valid. */
export function completionIndex(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[indexAnnotation]
  return text !== undefined && /^\+?\d+$/.test(text) ? Number(text) : undefined
}

/** The pod's index, where it lies below the job's completions. */
export function validIndex(pod: Pod, job: Job): number | undefined {
  const index = completionIndex(pod)
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined
}

const largestCount = 2 ** 31 - 1

function countIn(pod: Pod, annotation: string): number {
  const text = pod.metadata?.annotations?.[annotation] ?? ''
  return /^\+?\d+$/.test(text) && Number(text) <= largestCount ? Number(text) : 0
}

/** How many pods of this index failed before this one. */
export const countedFailures = (pod: Pod): number => countIn(pod, failureCountAnnotation)
export const ignoredFailures = (pod: Pod): number => countIn(pod, ignoredCountAnnotation)
export const allFailures = (pod: Pod): number => countedFailures(pod) + ignoredFailures(pod)

/** When the last container ended, else when the pod ceased to be ready, else when it was deleted. Milliseconds. */
export function finishTime(pod: Pod): number {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata ?? {}
  const ready = podCondition(pod, 'Ready')
  const unready = ready?.status === 'False' ? ready.lastTransitionTime : undefined
  return containersFinished(pod) ?? (unready ? millisecondsOf(unready) : deletionTimestamp ? millisecondsOf(deletionTimestamp) - deletionGracePeriodSeconds * 1000 : millisecondsOf(creationTimestamp))
}

function containersFinished(pod: Pod): number | undefined {
  const sidecars = new Set(pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const ends = [...containerStatuses, ...initContainerStatuses.filter((status) => sidecars.has(status.name))].map(finishedAt)
  return ends.length && ends.every(Boolean) ? Math.max(...ends.map(millisecondsOf)) : undefined
}

const finishedAt = ({ state }: ContainerStatus): string | undefined => state?.terminated?.finishedAt ?? undefined

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** Those that are let go first come first: unscheduled, pending, not ready, young (source: controller_utils.go `ActivePods`). */
export function byLoss(a: Pod, b: Pod): number {
  return (
    Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
    (phaseOrder[a.status?.phase ?? ''] ?? 0) - (phaseOrder[b.status?.phase ?? ''] ?? 0) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    (isReady(a) ? millisecondsOf(podCondition(b, 'Ready')?.lastTransitionTime) - millisecondsOf(podCondition(a, 'Ready')?.lastTransitionTime) : 0) ||
    restarts(b) - restarts(a) ||
    millisecondsOf(b.metadata?.creationTimestamp) - millisecondsOf(a.metadata?.creationTimestamp)
  )
}

const restarts = (pod: Pod): number => Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount))
