// How long a job waits before it replaces failed pods: 10 s, doubled with each failure in a row, at most 10 min.
import type { Pod } from '../../api/generated/types.ts'
import type { Since } from '../../base/clock.ts'
import { allFailures, finishTime } from './job-pods.ts'

const firstMilliseconds = 10_000
const mostMilliseconds = 600_000

/** Failures since the last success. */
export interface Failures {
  count: number
  /** When the last of them was, in milliseconds; of no meaning with none. */
  last: number
}

const none: Failures = { count: 0, last: 0 }

/** `before`, with pods that have finished since. */
export function addFinished(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  const lastSuccess = succeeded.length ? Math.max(...succeeded.map(finishTime)) : undefined
  const times = failed.map(finishTime).filter((time) => lastSuccess === undefined || time > lastSuccess)
  const kept = lastSuccess === undefined ? before : none
  return times.length === 0 ? kept : { count: kept.count + times.length, last: Math.max(...times) }
}

/** What pods tell that were counted before anybody watched. */
export const failuresAmong = (succeeded: readonly Pod[], failed: readonly Pod[]): Failures => addFinished(none, succeeded, failed)

/** Milliseconds; 0: no wait. */
export function remainingWait({ count, last }: Failures, since: Since): number {
  if (count === 0) return 0
  const wait = Math.min(mostMilliseconds, firstMilliseconds * 2 ** (count - 1))
  return Math.max(0, wait - since(last))
}

/** The wait of one index whose last pod is `failed`. */
export const remainingWaitOfIndex = (failed: Pod | undefined, since: Since): number =>
  failed ? remainingWait({ count: allFailures(failed) + 1, last: finishTime(failed) }, since) : 0
