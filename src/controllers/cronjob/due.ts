// Which of a cron job's times is to be run now, and when to look again (source: pkg/controller/cronjob/utils.go).
import type { CronJob } from '../../api/generated/types.ts'
import { millisecondsOf } from '../common/pods.ts'
import type { Schedule } from './schedule.ts'

export interface Due {
  /** The latest of the times that were not run; undefined: none. */
  time: number | undefined
  /** An estimate. */
  missed: number
}

/** Clocks differ a little: a timer must not fire before its time. */
const paddingMilliseconds = 100

const anHour = 3600_000
const tenMinutes = 600_000

/** Nothing up to this time is run. A last time far ahead was written by a clock that was wrong: it must not keep the job from running for years. */
function lastRun({ metadata, status }: CronJob, now: number): number {
  const last = millisecondsOf(status?.lastScheduleTime ?? metadata?.creationTimestamp)
  return last > now + anHour ? now - tenMinutes : last
}

/** @param changedAt when its schedule was changed, where that was noticed. @throws Error when the schedule makes no sense */
export function dueTime(cronJob: CronJob, schedule: Schedule, now: number, changedAt = 0): Due {
  const seconds = cronJob.spec?.startingDeadlineSeconds
  return latest(schedule, Math.max(lastRun(cronJob, now), changedAt, seconds === undefined ? 0 : now - seconds * 1000), now)
}

function latest(schedule: Schedule, from: number, now: number): Due {
  const first = schedule.next(from)
  const second = first === undefined ? undefined : schedule.next(first)
  if (first === undefined || second === undefined) throw new Error('time difference between two schedules is less than 1 second')
  if (now < first) return { time: undefined, missed: 0 }
  if (now < second) return { time: first, missed: 1 }
  // an estimate by the first interval: to one interval before the last time, then on from there
  const interval = second - first
  const missed = Math.floor((now - first) / interval) + 1
  return { time: lastOf(schedule, first + (missed - 2) * interval, now), missed }
}

const manySteps = 100

/** The last time between `from` and `now`: step by step, and where there are many by halves. */
function lastOf(schedule: Schedule, from: number, now: number): number | undefined {
  let time: number | undefined
  for (let step = 0; step < manySteps; step++) {
    const next = schedule.next(time ?? from)
    if (next === undefined || next > now) return time
    time = next
  }
  let found = time!
  for (let end = now; end - found > 1; ) {
    const middle = Math.floor((found + end) / 2)
    const next = schedule.next(middle)
    if (next !== undefined && next <= now) found = next
    else end = middle
  }
  return found
}

/** Milliseconds until the next time. */
export function nextIn(cronJob: CronJob, schedule: Schedule, now: number): number {
  const from = lastRun(cronJob, now)
  const { time, missed } = latest(schedule, from, now)
  const next = schedule.next(time ?? (missed ? now : from)) ?? now
  return next + paddingMilliseconds - now
}
