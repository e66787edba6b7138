// As many active pods as a job wants: which are created, which discarded, and when it is too early for that.
import type { Job, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { jobs } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { Since } from '../../base/clock.ts'
import { isReady } from '../common/pods.ts'
import { remainingWait, remainingWaitOfIndex } from './back-off.ts'
import { activeIndexes, type Census } from './census.ts'
import { firstFree, union } from './indexes.ts'
import { byLoss, isIndexed, isSuspended, limitsEachIndex, replacesOnlyFailed, validIndex } from './job-pods.ts'
import { newIndexedPod, newPod } from './new-pod.ts'
import type { JobStep } from './steps.ts'

/** What is done, and the counts when all of it has succeeded. */
export interface Changes {
  steps: readonly JobStep[]
  active: number
  ready: number
  terminating: number
  /** Milliseconds until more can be done. */
  wait?: number
}

const mostAtOnce = 500

export const noChanges = ({ active, ready, terminating }: Census): Changes => ({ steps: [], active: active.length, ready, terminating: terminating.length })

export function manage(job: Stored<Job>, census: Census, since: Since): Changes {
  if (isSuspended(job)) return without(census.active, census, (pod) => ({ do: 'discardPod', pod, owner: job }))
  const wanted = wantedActive(job, census)
  const surplus = surplusPods(job, census, Math.max(0, census.active.length - wanted)).slice(0, mostAtOnce)
  if (surplus.length) return without(surplus, census, (pod) => ({ do: 'discardPod', pod, owner: job }))
  const blocking = replacesOnlyFailed(job) ? census.terminating.length : 0
  return create(job, census, { count: Math.min(mostAtOnce, wanted - blocking - census.active.length), since })
}

/** The job has ended: its pods are deleted, and counted all the same. */
export const deleteActive = (job: Stored<Job>, census: Census): Changes => without(census.active, census, (pod) => ({ do: 'deletePod', pod, owner: job }))

function without(pods: readonly Stored<Pod>[], census: Census, step: (pod: Stored<Pod>) => JobStep): Changes {
  const before = noChanges(census)
  return {
    steps: pods.map(step), active: before.active - pods.length, ready: before.ready - pods.filter(isReady).length, terminating: before.terminating + pods.length,
  }
}

function wantedActive({ spec }: Job, { succeeded, active }: Census): number {
  const { completions, parallelism = 1 } = spec ?? {}
  // without a number of completions the first success ends the job: then the others are left to run out
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism
  return Math.max(0, Math.min(completions - succeeded, parallelism))
}

/** Pods without a valid index and all but one of each index go in any case. */
function surplusPods(job: Job, { active }: Census, count: number): Stored<Pod>[] {
  const ordered = [...active].sort(byLoss)
  if (!isIndexed(job)) return ordered.slice(0, count)
  const keeper = new Map(ordered.map((pod) => [validIndex(pod, job), pod]))
  const isKept = (pod: Stored<Pod>) => validIndex(pod, job) !== undefined && keeper.get(validIndex(pod, job)) === pod
  const useless = ordered.filter((pod) => !isKept(pod))
  return [...useless, ...ordered.filter(isKept).slice(0, Math.max(0, count - useless.length))]
}

function create(job: Stored<Job>, census: Census, { count, since }: { count: number; since: Since }): Changes {
  const before = noChanges(census)
  if (count <= 0) return before
  const wait = limitsEachIndex(job) ? 0 : remainingWait(census.failures, since)
  if (wait > 0) return { ...before, wait }
  const { pods, ...later } = isIndexed(job) ? indexedPods(job, census, { count, since }) : { pods: Array.from({ length: count }, () => newPod(job)) }
  const steps = pods.map((pod): JobStep => ({ do: 'createPod', pod, owner: job, ownerRef: jobs as ResourceRef }))
  return { ...before, ...later, steps, active: before.active + steps.length }
}

function indexedPods(job: Stored<Job>, census: Census, { count, since }: { count: number; since: Since }): { pods: Pod[]; wait?: number } {
  const { active, terminating, succeededIndexes, failedIndexes = [], awaitingReplacement } = census
  const taken = union(succeededIndexes, failedIndexes, activeIndexes(active), replacesOnlyFailed(job) ? activeIndexes(terminating) : [])
  const free = firstFree(taken, count, job.spec?.completions ?? 0).map((index) => {
    const replaced = awaitingReplacement.get(index)
    return { index, replaced, wait: remainingWaitOfIndex(replaced, since) }
  })
  const waits = free.map(({ wait }) => wait).filter((wait) => wait > 0)
  const pods = free.filter(({ wait }) => wait === 0).map(({ index, replaced }) => newIndexedPod(job, index, replaced))
  return waits.length ? { pods, wait: Math.min(...waits) } : { pods }
}
