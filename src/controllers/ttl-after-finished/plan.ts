// Jobs that have ended and say how long they want to be kept.
import type { Job } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { isDeleting } from '../common/owner.ts'
import { millisecondsOf } from '../common/pods.ts'
import { findCondition } from '../common/job-status.ts'

export type TtlStep = { do: 'delete'; job: Stored<Job> }

export function planTtl(job: Stored<Job>, now: number): Plan<TtlStep> {
  const left = timeLeft(job, now)
  if (left === undefined || isDeleting(job)) return nothingToDo
  return left > 0 ? { steps: [], wakeAfter: left } : { steps: [{ do: 'delete', job }] }
}

/** Milliseconds; undefined: the job stays, or has not ended. */
export function timeLeft(job: Job, now: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished
  const end = findCondition(job, 'Complete') ?? findCondition(job, 'Failed')
  if (seconds === undefined || !end) return undefined
  return Math.max(0, millisecondsOf(end.lastTransitionTime) + seconds * 1000 - now)
}
