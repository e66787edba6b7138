// Counting finished pods exactly once (KEP-2307): a finished pod's uid is written to the status, then its finalizer goes, then the counter grows.
// Each stage acts on what is stored, so that it may be interrupted anywhere. Indexes need no such care: being in a set is all they count.
import type { Job, JobStatus, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isDeleting } from '../common/owner.ts'
import type { Census } from './census.ts'
import { formatIndexes, hasIndex, total } from './indexes.ts'
import { isIndexed, isPodFailed, isPodSucceeded, isTracked, validIndex } from './job-pods.ts'
import type { Outcome } from './outcome.ts'
import { judgeFailure } from './policies.ts'

interface Tracking {
  counters: Pick<JobStatus, 'succeeded' | 'failed' | 'completedIndexes' | 'failedIndexes' | 'uncountedTerminatedPods'>
  /** Their finalizers can go as soon as `counters` are stored. */
  untrack: readonly Stored<Pod>[]
  /** Nothing is left to count. */
  done: boolean
}

const mostUncounted = 500

export function track(job: Stored<Job>, census: Census, outcome: Outcome | undefined): Tracking {
  const { status = {} } = job
  const tracked = census.pods.filter(isTracked)
  const uids = new Set(tracked.map((pod) => pod.metadata.uid))
  const [succeeded, failed] = [[...census.uncounted.succeeded], [...census.uncounted.failed]].map((list) => list.filter((uid) => uids.has(uid))) as [string[], string[]]
  const released = { succeeded: census.uncounted.succeeded.size - succeeded.length, failed: census.uncounted.failed.size - failed.length }
  const untrack: Stored<Pod>[] = []
  let newIndexes = 0
  for (const pod of tracked.sort((a, b) => (validIndex(a, job) ?? -1) - (validIndex(b, job) ?? -1))) {
    if (newIndexes + succeeded.length + failed.length >= mostUncounted) break
    if (!mayGo(pod, job, census, outcome)) continue
    untrack.push(pod)
    const { uid } = pod.metadata
    const index = validIndex(pod, job)
    if (isPodSucceeded(pod) && !census.uncounted.failed.has(uid)) {
      if (isIndexed(job)) newIndexes += Number(index !== undefined && !hasIndex(census.succeededBefore, index))
      else if (!census.uncounted.succeeded.has(uid)) succeeded.push(uid)
    } else if (isPodFailed(pod, job) || outcome?.fails) {
      const counts = judgeFailure(job, pod).counts && (!isIndexed(job) || index !== undefined)
      if (counts && !census.uncounted.failed.has(uid)) failed.push(uid)
    }
  }
  const counters = {
    succeeded: orNone(isIndexed(job) ? total(census.succeededIndexes) : (status.succeeded ?? 0) + released.succeeded),
    failed: orNone((status.failed ?? 0) + released.failed),
    uncountedTerminatedPods: { ...(succeeded.length ? { succeeded } : {}), ...(failed.length ? { failed } : {}) },
    ...(isIndexed(job) ? { completedIndexes: formatIndexes(census.succeededIndexes) || undefined } : {}),
    ...(census.failedIndexes ? { failedIndexes: formatIndexes(census.failedIndexes) } : {}),
  }
  return { counters, untrack, done: untrack.length + succeeded.length + failed.length === 0 }
}

/** Fields that are zero are left out, as upstream does. */
export const orNone = (count: number): number | undefined => count || undefined

function mayGo(pod: Stored<Pod>, job: Job, { awaitingReplacement }: Census, outcome: Outcome | undefined): boolean {
  if (isDeleting(job) || outcome || isPodSucceeded(pod)) return true
  return isPodFailed(pod, job) && awaitingReplacement.get(validIndex(pod, job) ?? -1) !== pod
}
