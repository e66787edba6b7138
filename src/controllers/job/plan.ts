// Jobs: pods until enough of them have succeeded, or too many failed (source: pkg/controller/job).
import type { Job, JobCondition, JobStatus, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { jobs, pods as podsRef } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { LabelSelector } from '../../api/selector.ts'
import { rfc3339, type Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'
import { claim, claimSteps, isDeleting } from '../common/owner.ts'
import { earliest } from '../common/pods.ts'
import { statusSteps } from '../common/status.ts'
import type { Failures } from './back-off.ts'
import { takeCensus, type Census } from './census.ts'
import { isSuspended, trackingFinalizer } from './job-pods.ts'
import { deleteActive, manage, noChanges, type Changes } from './manage.ts'
import { completed, conditionOf, deadlineIn, finalType, interimType, newCondition, outcomeOf, type Outcome } from './outcome.ts'
import type { JobStep } from './steps.ts'
import { orNone, track } from './track.ts'

interface Observed {
  job: Stored<Job>
  selector: LabelSelector
  /** Pods under the job's control, and those of its namespace under nobody's. */
  pods: readonly Stored<Pod>[]
  /** As of the last round; undefined: there was none. */
  failures: Failures | undefined
}

export function planJob({ job, selector, pods, failures }: Observed, now: number, since: Since): Plan<JobStep> {
  const claims = claim(job, selector, pods)
  // what is adopted is planned with when it is seen to be so
  if (claims.adopt.length + claims.release.length > 0) return { steps: claimSteps(claims, podsRef, job, jobs as ResourceRef, trackingFinalizer) }
  const census = takeCensus(job, claims.mine, failures)
  const outcome = outcomeOf(job, census, since)
  const changes = outcome ? deleteActive(job, census) : isDeleting(job) ? noChanges(census) : manage(job, census, since)
  return {
    steps: [changes.steps],
    last: (failure) => conclude({ job, census, outcome, changes: failure ? undoneOf(changes, census) : changes, failed: Boolean(failure), now }),
    wakeAfter: earliest(changes.wait, outcome ? undefined : deadlineIn(job, since)),
  }
}

/** After a failure nobody knows how far it went: then what was seen counts until more is seen. */
const undoneOf = (changes: Changes, census: Census): Changes => ({ ...noChanges(census), wait: changes.wait })

interface Conclusion {
  job: Stored<Job>
  census: Census
  outcome: Outcome | undefined
  changes: Changes
  failed: boolean
  now: number
}

function conclude(conclusion: Conclusion): JobStep[] {
  const { job, census, changes, failed, now } = conclusion
  const outcome = conclusion.outcome ? (failed ? undefined : conclusion.outcome) : completed(job, census, changes.active)
  const { counters, untrack, done } = track(job, census, outcome)
  const finishes = Boolean(outcome?.recorded) && done && changes.terminating === 0
  const suspension = conclusion.outcome || outcome || isDeleting(job) ? undefined : suspensionOf(job)
  const conditions = withConditions(job, { outcome, finishes, suspension }, now)
  const status: JobStatus = {
    ...job.status, ...counters,
    active: orNone(changes.active), ready: changes.ready, terminating: changes.terminating,
    startTime: suspension ? (isSuspended(job) ? undefined : rfc3339(now)) : job.status?.startTime ?? (isSuspended(job) ? undefined : rfc3339(now)),
    ...(conditions.length ? { conditions } : {}),
    ...(finishes && !outcome!.fails ? { completionTime: rfc3339(now) } : {}),
  }
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string): JobStep => ({ do: 'tell', object: job, type, reason, message })
  return [
    ...statusSteps<Job>(jobs, job, status),
    { do: 'rememberFailures', job, failures: census.failures },
    ...(untrack.length ? [{ do: 'untrackPods', pods: untrack } as const] : []),
    ...(suspension ? [tell('Normal', isSuspended(job) ? 'Suspended' : 'Resumed', suspension.message)] : []),
    ...(finishes ? farewell(job, status, outcome!).map(([type, reason, message]) => tell(type, reason, message)) : []),
  ]
}

/** What is to be said when a job is suspended for the first time, or the other way round. */
function suspensionOf(job: Job): { reason: string; message: string } | undefined {
  const status = conditionOf(job, 'Suspended')?.status
  if (isSuspended(job)) return status === 'True' ? undefined : { reason: 'JobSuspended', message: 'Job suspended' }
  return status === 'True' ? { reason: 'JobResumed', message: 'Job resumed' } : undefined
}

interface News {
  outcome: Outcome | undefined
  finishes: boolean
  suspension: { reason: string; message: string } | undefined
}

function withConditions(job: Job, { outcome, finishes, suspension }: News, now: number): JobCondition[] {
  const before = job.status?.conditions ?? []
  const wanted = [
    ...(suspension ? [newCondition('Suspended', isSuspended(job) ? 'True' : 'False', suspension, now)] : []),
    ...(outcome && !outcome.recorded ? [newCondition(interimType(outcome), 'True', outcome, now)] : []),
    ...(outcome && finishes ? [newCondition(finalType(outcome), 'True', outcome, now)] : []),
  ]
  const replaced = before.map((condition) => wanted.find(({ type }) => type === condition.type) ?? condition)
  return [...replaced, ...wanted.filter(({ type }) => !before.some((condition) => condition.type === type))]
}

function farewell({ spec }: Job, { succeeded = 0 }: JobStatus, { fails, reason, message }: Outcome): ['Normal' | 'Warning', string, string][] {
  if (fails) return [['Warning', reason, message]]
  const tooMany = spec?.completions !== undefined && succeeded > spec.completions
  return [
    ...(tooMany ? [['Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached'] as ['Warning', string, string]] : []),
    ['Normal', 'Completed', 'Job completed'],
  ]
}
