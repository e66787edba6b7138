// What a job's pods amount to, before anything is done: the pods seen now on top of what its status has counted.
import type { Job, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { isActive, isReady, isTerminating } from '../common/pods.ts'
import { addFinished, failuresAmong, type Failures } from './back-off.ts'
import { hasIndex, indexesOf, parseIndexes, total, union, type Indexes } from './indexes.ts'
import { allFailures, completionIndex, countedFailures, finishTime, isIndexed, isPodFailed, isPodSucceeded, isTracked, limitsEachIndex, validIndex } from './job-pods.ts'
import { judgeFailure } from './policies.ts'

export interface Census {
  pods: readonly Stored<Pod>[]
  active: readonly Stored<Pod>[]
  ready: number
  terminating: readonly Stored<Pod>[]
  /** Uids that the status holds as finished and not yet in its counters. */
  uncounted: { succeeded: ReadonlySet<string>; failed: ReadonlySet<string> }
  /** Counted and not yet counted ones together; of an indexed job: its succeeded indexes. */
  succeeded: number
  failed: number
  /** Of indexed jobs; else empty. */
  succeededBefore: Indexes
  succeededIndexes: Indexes
  /** Of jobs with a limit for each index. */
  failedIndexes?: Indexes
  /** By index: a failed pod that stays until its replacement has taken over how often the index failed. */
  awaitingReplacement: ReadonlyMap<number, Stored<Pod>>
  failures: Failures
}

/** @param remembered the failures in a row as of the last time; undefined: nobody watched so far. */
export function takeCensus(job: Stored<Job>, pods: readonly Stored<Pod>[], remembered: Failures | undefined): Census {
  const { status = {} } = job
  const uncounted = { succeeded: new Set(status.uncountedTerminatedPods?.succeeded), failed: new Set(status.uncountedTerminatedPods?.failed) }
  const isNew = (pod: Stored<Pod>, known: ReadonlySet<string>) => isTracked(pod) && !known.has(pod.metadata.uid) && (!isIndexed(job) || validIndex(pod, job) !== undefined)
  const newlySucceeded = pods.filter((pod) => isPodSucceeded(pod) && isNew(pod, uncounted.succeeded))
  const newlyFailed = pods.filter((pod) => isPodFailed(pod, job) && isNew(pod, uncounted.failed))
  const active = pods.filter(isActive)
  const indexes = isIndexed(job) ? indexesAmong(job, pods) : { succeededBefore: [], succeededIndexes: [] }
  return {
    pods, active, uncounted, ...indexes,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating),
    succeeded: isIndexed(job) ? total(indexes.succeededIndexes) : (status.succeeded ?? 0) + newlySucceeded.length + uncounted.succeeded.size,
    failed: (status.failed ?? 0) + newlyFailed.filter((pod) => judgeFailure(job, pod).counts).length + uncounted.failed.size,
    awaitingReplacement: limitsEachIndex(job) ? awaiting(job, pods, active, indexes) : new Map(),
    failures: addFinished(remembered ?? failuresBefore(job, pods, [...newlySucceeded, ...newlyFailed]), newlySucceeded, newlyFailed),
  }
}

function failuresBefore(job: Job, pods: readonly Stored<Pod>[], recent: readonly Stored<Pod>[]): Failures {
  const old = pods.filter((pod) => !recent.includes(pod))
  return failuresAmong(old.filter(isPodSucceeded), old.filter((pod) => isPodFailed(pod, job)))
}

interface IndexSets {
  succeededBefore: Indexes
  succeededIndexes: Indexes
  failedIndexes?: Indexes
}

function indexesAmong(job: Job, pods: readonly Pod[]): IndexSets {
  const completions = job.spec?.completions ?? 0
  const having = (test: (pod: Pod) => boolean): Indexes =>
    indexesOf(pods.filter((pod) => isTracked(pod) && test(pod)).map((pod) => validIndex(pod, job)).filter((index) => index !== undefined))
  const succeededBefore = parseIndexes(job.status?.completedIndexes, completions)
  const succeededIndexes = union(succeededBefore, having(isPodSucceeded))
  if (!limitsEachIndex(job)) return { succeededBefore, succeededIndexes }
  return { succeededBefore, succeededIndexes, failedIndexes: union(parseIndexes(job.status?.failedIndexes, completions), having((pod) => failsIndex(pod, job))) }
}

function failsIndex(pod: Pod, job: Job): boolean {
  if (!isPodFailed(pod, job)) return false
  const verdict = judgeFailure(job, pod)
  return verdict.failsIndex || (verdict.counts && countedFailures(pod) >= (job.spec?.backoffLimitPerIndex ?? 0))
}

function awaiting(job: Job, pods: readonly Stored<Pod>[], active: readonly Pod[], { succeededIndexes, failedIndexes = [] }: IndexSets): Map<number, Stored<Pod>> {
  const done = union(succeededIndexes, failedIndexes, activeIndexes(active))
  const last = new Map<number, Stored<Pod>>()
  for (const pod of pods) {
    const index = validIndex(pod, job)
    if (index === undefined || !isTracked(pod) || !isPodFailed(pod, job) || hasIndex(done, index)) continue
    const other = last.get(index)
    if (!other || (allFailures(other) <= allFailures(pod) && finishTime(other) <= finishTime(pod))) last.set(index, pod)
  }
  return last
}

export const activeIndexes = (pods: readonly Pod[]): Indexes => indexesOf(pods.map(completionIndex).filter((index) => index !== undefined))
