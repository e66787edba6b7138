// CronJobs: a job for each time that is due, once (source: pkg/controller/cronjob). A job's name is made of its time, and the time of the last
// one is in the status: so nothing runs twice, however often this runs or the clock is set.
import type { CronJob, CronJobStatus, Job, ObjectReference } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { cronjobs } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'
import { controllerRefTo, isDeleting } from '../common/owner.ts'
import { millisecondsOf } from '../common/pods.ts'
import { statusSteps, type StatusStep } from '../common/status.ts'
import { findCondition, isFinished } from '../common/job-status.ts'
import { dueTime, inTimeZone, isTimeZone, type Schedule } from './schedule.ts'

export interface Observed {
  cronJob: Stored<CronJob>
  /** Under its control. */
  jobs: readonly Stored<Job>[]
  schedule: Schedule | Error
}

export type CronJobStep =
  | StatusStep
  | { do: 'deleteJob'; cronJob: Stored<CronJob>; job: Stored<Job> }
  | { do: 'startJob'; cronJob: Stored<CronJob>; job: Job; status: CronJobStatus; lastScheduleTime: string }
  | { do: 'tell'; cronJob: Stored<CronJob>; type: 'Normal' | 'Warning'; reason: string; message: string }

/** The clock may be set while this waits: it looks again after a minute at the latest. */
const longestWait = 60_000
const afterDue = 100

export function planCronJob(observed: Observed, now: number): Plan<CronJobStep> {
  const { cronJob } = observed
  const seen = reviewJobs(observed)
  const status = (): CronJobStep[] => statusSteps<CronJob>(cronjobs, cronJob, seen.status)
  if (isDeleting(cronJob)) return { steps: [...seen.steps, ...status()] }
  const cleaning = surplusJobs(observed)
  const start = planStart(observed, seen.status, now)
  return { steps: [...cleaning, ...seen.steps, ...start.steps, ...(start.starts ? [] : status())], wakeAfter: start.wakeAfter }
}

const tell = (cronJob: Stored<CronJob>, type: 'Normal' | 'Warning', reason: string, message: string): CronJobStep => ({ do: 'tell', cronJob, type, reason, message })

/** What the status makes of jobs that have ended, are gone, or are unknown. */
function reviewJobs({ cronJob, jobs }: Observed): { steps: CronJobStep[]; status: CronJobStatus } {
  const steps: CronJobStep[] = []
  let { active = [], lastSuccessfulTime } = cronJob.status ?? {}
  for (const job of jobs) {
    const known = active.some((ref) => ref.uid === job.metadata.uid)
    if (!isFinished(job)) {
      if (!known) steps.push(tell(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`))
      continue
    }
    const complete = findCondition(job, 'Complete') !== undefined
    if (known) {
      active = active.filter((ref) => ref.uid !== job.metadata.uid)
      steps.push(tell(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${complete ? 'Complete' : 'Failed'}`))
    }
    const ended = job.status?.completionTime
    if (complete && ended && millisecondsOf(ended) > millisecondsOf(lastSuccessfulTime)) lastSuccessfulTime = ended
  }
  const present = new Set(jobs.map((job) => job.metadata.uid))
  for (const ref of active.filter(({ uid }) => !present.has(uid ?? ''))) steps.push(tell(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${ref.name}`))
  active = active.filter(({ uid }) => present.has(uid ?? ''))
  const { active: _, lastSuccessfulTime: __, ...others } = cronJob.status ?? {}
  return { steps, status: { ...others, ...(active.length ? { active } : {}), ...(lastSuccessfulTime ? { lastSuccessfulTime } : {}) } }
}

function surplusJobs({ cronJob, jobs }: Observed): CronJobStep[] {
  const oldest = (type: string, limit: number | undefined): Stored<Job>[] => {
    const ended = jobs.filter((job) => findCondition(job, type) && !isDeleting(job)).sort(byStart)
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit))
  }
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {}
  return [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)].map((job) => ({ do: 'deleteJob', cronJob, job }))
}

const byStart = (a: Stored<Job>, b: Stored<Job>): number =>
  Number(!a.status?.startTime) - Number(!b.status?.startTime) || millisecondsOf(a.status?.startTime) - millisecondsOf(b.status?.startTime) || (a.metadata.name < b.metadata.name ? -1 : 1)

interface Start {
  steps: CronJobStep[]
  /** The status is written with the new job. */
  starts: boolean
  wakeAfter?: number
}

function planStart({ cronJob, jobs, schedule }: Observed, status: CronJobStatus, now: number): Start {
  const { schedule: text, timeZone, suspend, startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec!
  const only = (step?: CronJobStep, wakeAfter?: number): Start => ({ steps: step ? [step] : [], starts: false, wakeAfter })
  if (timeZone !== undefined && !isTimeZone(timeZone)) return only(tell(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`))
  if (suspend) return only()
  if (schedule instanceof Error) return only(tell(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${text}" : ${schedule.message}`))
  const last = status.lastScheduleTime
  const since = millisecondsOf(last ?? cronJob.metadata.creationTimestamp)
  const limited = startingDeadlineSeconds === undefined ? since : Math.max(since, now - startingDeadlineSeconds * 1000)
  const wakeAfter = untilNext(schedule, since, now)
  const { time, manyMissed } = dueTime(schedule, limited, now)
  if (time === undefined) return only(undefined, wakeAfter)
  if (startingDeadlineSeconds !== undefined && time + startingDeadlineSeconds * 1000 < now) {
    return only(tell(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(time).toUTCString().replace('GMT', 'UTC')}`), wakeAfter)
  }
  const job = jobFor(cronJob, time)
  const active = status.active ?? []
  if (active.some((ref) => ref.name === job.metadata?.name) || millisecondsOf(last) === time) return only(undefined, wakeAfter)
  if (concurrencyPolicy === 'Forbid' && active.length) {
    return only(tell(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid'), wakeAfter)
  }
  const replaced = concurrencyPolicy === 'Replace' ? jobs.filter((j) => active.some((ref) => ref.uid === j.metadata.uid)) : []
  const missed = manyMissed ? [tell(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew')] : []
  const kept = replaced.length ? { ...status, active: active.filter((ref) => !replaced.some((j) => j.metadata.uid === ref.uid)) } : status
  return {
    steps: [...missed, ...replaced.map((j): CronJobStep => ({ do: 'deleteJob', cronJob, job: j })), { do: 'startJob', cronJob, job, status: kept, lastScheduleTime: rfc3339(time) }],
    starts: true, wakeAfter,
  }
}

function untilNext(schedule: Schedule, since: number, now: number): number | undefined {
  const next = schedule.next(Math.max(since, now))
  return next === undefined ? undefined : Math.min(Math.max(0, next - now) + afterDue, longestWait)
}

function jobFor(cronJob: Stored<CronJob>, time: number): Job {
  const { metadata, spec } = cronJob.spec!.jobTemplate
  const annotations = { ...metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': inTimeZone(time, cronJob.spec!.timeZone) }
  return {
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(time / 60_000)}`, namespace: cronJob.metadata.namespace, labels: { ...metadata?.labels }, annotations,
      ownerReferences: [controllerRefTo(cronJob, cronjobs as ResourceRef)],
    },
    spec,
  }
}

/** The status after `job` was started. */
export function started(status: CronJobStatus, job: Stored<Job>, lastScheduleTime: string): CronJobStatus {
  const { name, namespace, uid, resourceVersion } = job.metadata
  const ref: ObjectReference = { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion }
  return { ...status, active: [...(status.active ?? []).filter((other) => other.uid !== uid), ref], lastScheduleTime }
}
