// Cron jobs: a Job for each time of the schedule, named after it, so that no time is run twice (source: pkg/controller/cronjob).
import type { CronJob, CronJobStatus, Job, ObjectReference } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { cronjobs } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { EventType } from '../../client/event-recorder.ts'
import type { Plan } from '../../controller/definition.ts'
import { controllerRefTo, isDeleting } from '../common/owner.ts'
import { millisecondsOf } from '../common/pods.ts'
import { statusSteps, type StatusStep } from '../common/status.ts'
import type { TellStep } from '../common/tell.ts'
import { finishedCondition } from '../job/job-pods.ts'
import { dueTime, nextIn, type Due } from './due.ts'
import { formatIn, utc, zoneNamed, type Zone } from './local-time.ts'
import { parseSchedule, type Schedule } from './schedule.ts'

interface Observed {
  cronJob: Stored<CronJob>
  /** Those under its control. */
  jobs: readonly Stored<Job>[]
  /** Uids of active jobs that are there, though not seen among `jobs` yet. */
  unseen: ReadonlySet<string>
  /** When a change of its schedule was noticed: times before that are not run. */
  changedAt: number | undefined
  /** The zone of schedules that name none. */
  localZone: string
}

export type CronJobStep =
  | StatusStep
  | TellStep
  /** One that must make room for the next ends the round when it cannot be deleted. */
  | { do: 'deleteJob'; owner: Stored<CronJob>; job: Pick<ObjectReference, 'name' | 'uid'>; required: boolean }
  /** Creates `job`, or finds it, and writes `status` with it among the active ones. */
  | { do: 'startJob'; owner: Stored<CronJob>; job: Job; status: CronJobStatus }

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

export function planCronJob(observed: Observed, now: number): Plan<CronJobStep> {
  const { cronJob } = observed
  const outdated = outdatedJobs(observed)
  const { status, told } = review(observed)
  const cleanUp = outdated.map((job): CronJobStep => ({ do: 'deleteJob', owner: cronJob, job: job.metadata, required: false }))
  const { steps, wakeAfter } = run({ ...observed, status, now })
  const isStarting = steps.some((step) => step.do === 'startJob')
  return { steps: [cleanUp, ...told, ...steps, ...(isStarting ? [] : statusSteps<CronJob>(cronjobs, cronJob, status))], wakeAfter }
}

const tell = (object: Stored, type: EventType, reason: string, message: string): TellStep => ({ do: 'tell', object, type, reason, message })

/** What became of the jobs so far. */
function review({ cronJob, jobs, unseen }: Observed): { status: CronJobStatus; told: TellStep[] } {
  const told: TellStep[] = []
  let { active = [], lastSuccessfulTime, lastScheduleTime } = cronJob.status ?? {}
  for (const job of jobs) {
    const { uid, name } = job.metadata
    const isKnown = active.some((reference) => reference.uid === uid)
    const finished = finishedCondition(job)
    const { completionTime } = job.status ?? {}
    if (!finished && !isKnown) told.push(tell(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`))
    if (finished && isKnown) {
      active = active.filter((reference) => reference.uid !== uid)
      told.push(tell(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${finished.type}`))
    }
    if (finished?.type === 'Complete' && millisecondsOf(completionTime) > millisecondsOf(lastSuccessfulTime)) lastSuccessfulTime = completionTime
  }
  const known = new Set([...unseen, ...jobs.map((job) => job.metadata.uid)])
  for (const { name, uid } of active) if (!known.has(uid ?? '')) told.push(tell(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`))
  active = active.filter(({ uid }) => known.has(uid ?? ''))
  return { status: { ...(active.length ? { active } : {}), lastScheduleTime, lastSuccessfulTime }, told }
}

/** Finished jobs beyond the history limits, the oldest first. */
function outdatedJobs({ cronJob, jobs }: Observed): Stored<Job>[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {}
  const beyond = (type: string, limit = Infinity): Stored<Job>[] => {
    const finished = jobs.filter((job) => finishedCondition(job)?.type === type && !isDeleting(job)).sort(byStart)
    return finished.slice(0, Math.max(0, finished.length - limit))
  }
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)]
}

const startOf = ({ status }: Job): number => (status?.startTime ? millisecondsOf(status.startTime) : Infinity)

const byStart = (a: Stored<Job>, b: Stored<Job>): number => (startOf(a) === startOf(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : startOf(a) - startOf(b))

interface Run extends Observed {
  status: CronJobStatus
  now: number
}

/** What the schedule asks for. */
function run(round: Run): { steps: CronJobStep[]; wakeAfter?: number } {
  const { cronJob, now, changedAt } = round
  if (isDeleting(cronJob)) return { steps: [] }
  const zone = zoneOf(round)
  if (zone instanceof Error) return { steps: [tell(cronJob, 'Warning', 'UnknownTimeZone', zone.message)] }
  if (cronJob.spec?.suspend) return { steps: [] }
  const schedule = scheduleOf(round, zone)
  if (schedule instanceof Error) return { steps: [tell(cronJob, 'Warning', 'UnparseableSchedule', schedule.message)] }
  try {
    const due = dueTime(cronJob, schedule, now, changedAt)
    return { steps: due.time === undefined ? [] : [...missedTooMany(cronJob, due), ...runAt(due.time, round, zone)], wakeAfter: Math.max(0, nextIn(cronJob, schedule, now)) }
  } catch (error) {
    return { steps: [tell(cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${cronJob.spec?.schedule} : ${(error as Error).message}`)] }
  }
}

function zoneOf({ cronJob, localZone }: Run): Zone | Error {
  const name = cronJob.spec?.timeZone
  try {
    return zoneNamed(name ?? localZone)
  } catch {
    return new Error(`invalid timeZone: ${JSON.stringify(name)}: unknown time zone ${name}`)
  }
}

function scheduleOf({ cronJob }: Run, zone: Zone): Schedule | Error {
  const text = cronJob.spec?.schedule ?? ''
  try {
    return parseSchedule(text, zone)
  } catch (error) {
    return new Error(`unparseable schedule: ${JSON.stringify(text)} : ${(error as Error).message}`)
  }
}

const mostMissed = 100

const missedTooMany = (cronJob: Stored<CronJob>, { missed }: Due): TellStep[] => missed <= mostMissed ? [] : [
  tell(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'),
]

function runAt(time: number, { cronJob, status, now }: Run, zone: Zone): CronJobStep[] {
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec ?? {}
  const { active = [], lastScheduleTime } = status
  if (startingDeadlineSeconds !== undefined && time + startingDeadlineSeconds * 1000 < now) {
    return [tell(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(time).toUTCString().replace('GMT', '+0000')}`)]
  }
  const name = jobName(cronJob, time)
  if (active.some((reference) => reference.name === name) || millisecondsOf(lastScheduleTime) === time) return []
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    return [tell(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid')]
  }
  const replaced = concurrencyPolicy === 'Replace' ? active : []
  const left = replaced.length ? [] : active
  return [
    ...replaced.map((job): CronJobStep => ({ do: 'deleteJob', owner: cronJob, job, required: true })),
    { do: 'startJob', owner: cronJob, job: newJob(cronJob, time, zone), status: { ...status, active: left, lastScheduleTime: rfc3339(time) } },
  ]
}

const jobName = ({ metadata }: Stored<CronJob>, time: number): string => `${metadata.name}-${Math.floor(time / 60_000)}`

function newJob(cronJob: Stored<CronJob>, time: number, zone: Zone): Job {
  const { metadata, spec } = cronJob.spec!.jobTemplate
  const shownIn = cronJob.spec?.timeZone === undefined ? utc : zone
  return {
    metadata: {
      name: jobName(cronJob, time), namespace: cronJob.metadata.namespace, labels: { ...metadata?.labels },
      annotations: { ...metadata?.annotations, [scheduledAnnotation]: formatIn(time, shownIn) },
      ownerReferences: [controllerRefTo(cronJob, cronjobs as ResourceRef)],
    },
    spec,
  }
}
