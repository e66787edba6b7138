// Finished jobs go when their time is up (source: pkg/controller/ttlafterfinished).
import type { Job } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { Since } from '../../base/clock.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { isDeleting } from '../common/owner.ts'
import { millisecondsOf } from '../common/pods.ts'
import { finishedCondition } from '../job/job-pods.ts'

interface TtlStep {
  do: 'deleteExpired'
  job: Stored<Job>
}

export function planTtl(job: Stored<Job>, _now: number, since: Since): Plan<TtlStep> {
  const left = timeLeft(job, since)
  if (left === undefined) return nothingToDo
  return left > 0 ? { steps: [], wakeAfter: left } : { steps: [{ do: 'deleteExpired', job }] }
}

/** Milliseconds; undefined: the job may stay, for now. */
export function timeLeft(job: Job, since: Since): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished
  const finishedAt = finishedCondition(job)?.lastTransitionTime
  if (seconds === undefined || !finishedAt || isDeleting(job)) return undefined
  return seconds * 1000 - since(millisecondsOf(finishedAt))
}
