// Whether a job has come to its end, and how.
import type { Job, JobCondition } from '../../api/generated/types.ts'
import { rfc3339, type Since } from '../../base/clock.ts'
import { millisecondsOf } from '../common/pods.ts'
import type { Census } from './census.ts'
import { total } from './indexes.ts'
import { isPodFailed, isSuspended } from './job-pods.ts'
import { judgeFailure, metSuccessRule } from './policies.ts'

export interface Outcome {
  fails: boolean
  reason: string
  message: string
  /** The status says so already. */
  recorded: boolean
}

export const interimType = ({ fails }: Outcome): string => (fails ? 'FailureTarget' : 'SuccessCriteriaMet')
export const finalType = ({ fails }: Outcome): string => (fails ? 'Failed' : 'Complete')

/** Failure goes before success, and what was decided once stays so. */
export function outcomeOf(job: Job, census: Census, since: Since): Outcome | undefined {
  return recorded(job) ?? failure(job, census, since) ?? success('SuccessPolicy', metSuccessRule(job, census.succeededIndexes))
}

function recorded(job: Job): Outcome | undefined {
  for (const type of ['SuccessCriteriaMet', 'FailureTarget']) {
    const condition = conditionOf(job, type)
    if (condition?.status === 'True') return { fails: type === 'FailureTarget', reason: condition.reason ?? '', message: condition.message ?? '', recorded: true }
  }
  return undefined
}

export const conditionOf = (job: Job, type: string): JobCondition | undefined => job.status?.conditions?.find((condition) => condition.type === type)

const fail = (reason: string, message: string): Outcome => ({ fails: true, reason, message, recorded: false })
const success = (reason: string, message: string | undefined): Outcome | undefined => (message === undefined ? undefined : { fails: false, reason, message, recorded: false })

function failure(job: Job, census: Census, since: Since): Outcome | undefined {
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {}
  for (const pod of census.pods) {
    const reason = isPodFailed(pod, job) ? judgeFailure(job, pod).failsJob : undefined
    if (reason !== undefined) return fail('PodFailurePolicy', reason)
  }
  if (census.failed > backoffLimit || restartsExceed(job, census)) return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if (deadlineIn(job, since) === 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline')
  const failed = total(census.failedIndexes ?? [])
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes) return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (failed > 0 && failed + total(census.succeededIndexes) >= completions) return fail('FailedIndexes', 'Job has failed indexes')
  return undefined
}

/** Containers that are restarted in their pods count, too. */
function restartsExceed({ spec }: Job, { pods }: Census): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false
  const unfinished = pods.filter((pod) => pod.status?.phase === 'Running' || pod.status?.phase === 'Pending')
  const containers = unfinished.flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
  const restarts = containers.reduce((sum, { restartCount }) => sum + restartCount, 0)
  return restarts > 0 && restarts >= (spec.backoffLimit ?? 6)
}

/** Milliseconds until the job has been active for too long; undefined: never. */
export function deadlineIn(job: Job, since: Since): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds
  const startTime = job.status?.startTime
  if (seconds === undefined || isSuspended(job)) return undefined
  return Math.max(0, seconds * 1000 - (startTime ? since(millisecondsOf(startTime)) : 0))
}

/** @param active how many pods are active by then. */
export function completed({ spec }: Job, { succeeded }: Census, active: number): Outcome | undefined {
  const enough = spec?.completions === undefined ? succeeded > 0 : succeeded >= spec.completions
  return enough && active === 0 ? success('CompletionsReached', 'Reached expected number of succeeded pods') : undefined
}

export const newCondition = (type: string, status: string, { reason, message }: { reason: string; message: string }, now: number): JobCondition => ({
  type, status, lastProbeTime: rfc3339(now), lastTransitionTime: rfc3339(now), reason, message,
})
