// When a schedule is due: cron expressions of five fields, their nicknames, and `@every`.
import type { Cron } from 'croner'

export interface Schedule {
  /** The first time after `time`, in milliseconds since 1970; undefined: never again. */
  next(time: number): number | undefined
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 }

/** @throws Error when `text` is no schedule */
export function parseSchedule(text: string, timeZone: string | undefined, cron: typeof Cron): Schedule {
  const every = /^@every\s+((?:\d+(?:\.\d+)?[hms])+)$/.exec(text.trim())?.[1]
  if (every) {
    const length = [...every.matchAll(/(\d+(?:\.\d+)?)([hms])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0)
    const wait = Math.max(1_000, Math.floor(length / 1_000) * 1_000)
    return { next: (time) => Math.floor(time / 1_000) * 1_000 + wait }
  }
  const [, ownZone, pattern = text] = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text) ?? []
  const timezone = ownZone ?? timeZone
  const parsed = new cron(pattern, { paused: true, mode: '5-part', sloppyRanges: true, ...(timezone ? { timezone } : {}) })
  return { next: (time) => parsed.nextRun(new Date(time))?.getTime() }
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

/** RFC 3339 in a time zone, as in `2026-01-01T02:00:00+02:00`. */
export function inTimeZone(time: number, timeZone = 'UTC'): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(time)
  const [, sign = '+', hours = '00', minutes = '00'] = /GMT([+-])(\d\d):(\d\d)/.exec(parts.find((part) => part.type === 'timeZoneName')?.value ?? '') ?? []
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const local = new Date(time + offset * 60_000).toISOString().slice(0, 19)
  return offset === 0 ? `${local}Z` : `${local}${sign}${hours}:${minutes}`
}

export interface Due {
  /** The latest time that is due and not done. */
  time: number | undefined
  /** More than a hundred times were missed. */
  manyMissed: boolean
  /** Where the search began. */
  since: number
}

/** Source: `mostRecentScheduleTime`. @throws Error when the schedule is denser than a second */
export function dueTime(schedule: Schedule, since: number, now: number): Due {
  const first = schedule.next(since)
  if (first === undefined || now < first) return { time: undefined, manyMissed: false, since }
  const second = schedule.next(first)
  if (second === undefined || now < second) return { time: first, manyMissed: false, since }
  const distance = Math.round((second - first) / 1000) * 1000
  if (distance < 1000) throw new Error('time difference between two schedules is less than 1 second')
  const missed = Math.floor((now - first) / distance) + 1
  let time: number | undefined
  for (let t = schedule.next(first + (missed - 2) * distance); t !== undefined && t <= now; t = schedule.next(t)) time = t
  return { time, manyMissed: missed > 100, since }
}
