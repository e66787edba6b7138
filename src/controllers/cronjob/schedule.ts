// When a cron schedule falls due, by the rules of the library that upstream uses (github.com/robfig/cron v3, standard parser). They differ from
// those of other cron libraries: `*/2` in a day field restricts it, and an hour that the clocks skip or repeat is skipped or repeated.
import { checkSchedule } from '../../api/resources/batch/schedule.ts'
import { localTime, startOfDay, type LocalTime, type Zone } from './local-time.ts'

export interface Schedule {
  /** The first time after `instant`; undefined: there is none within five years. In milliseconds. */
  next(instant: number): number | undefined
}

interface Field {
  has(value: number): boolean
  any: boolean
}

const bounds = { minute: [0, 59], hour: [0, 23], day: [1, 31], month: [1, 12], weekday: [0, 6] } as const
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
}

/** @throws Error with the wording of upstream's parser. */
export function parseSchedule(text: string, zone: Zone): Schedule {
  checkSchedule(text)
  if (text.startsWith('@every ')) return every(durationOf(text.slice('@every '.length)))
  const fields = (descriptors[text.trim()] ?? text).trim().split(/\s+/)
  const [minute, hour, day, month, weekday] = (['minute', 'hour', 'day', 'month', 'weekday'] as const).map((name, index) => parseField(fields[index] ?? '', bounds[name]))
  return cron({ minute: minute!, hour: hour!, day: day!, month: month!, weekday: weekday! }, zone)
}

const unitMilliseconds: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3600_000 }

function durationOf(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  return [...text.matchAll(/(\d*\.?\d*)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + sign * Number(amount) * unitMilliseconds[unit!]!, 0)
}

function every(milliseconds: number): Schedule {
  const delay = Math.max(1000, Math.floor(milliseconds / 1000) * 1000)
  return { next: (instant) => Math.floor(instant / 1000) * 1000 + delay }
}

function parseField(text: string, [low, high]: readonly [number, number]): Field {
  const names = high === 12 ? months : high === 6 ? weekdays : []
  const number = (part: string): number => (names.includes(part.toLowerCase()) ? names.indexOf(part.toLowerCase()) + low : Number(part))
  const values = new Set<number>()
  let any = false
  for (const part of text.split(',').filter(Boolean)) {
    const [range = '', stepText] = part.split('/')
    const step = stepText === undefined ? 1 : Number(stepText)
    const [from = '', to] = range.split('-')
    const all = from === '*' || from === '?'
    any ||= all && step === 1
    const last = all || (to === undefined && stepText !== undefined) ? high : number(to ?? from)
    for (let value = all ? low : number(from); value <= last; value += step) values.add(value)
  }
  return { has: (value) => values.has(value), any }
}

const minuteMilliseconds = 60_000

function cron(fields: Record<keyof typeof bounds, Field>, zone: Zone): Schedule {
  const isDay = ({ day, weekday }: LocalTime): boolean => {
    const [inMonth, inWeek] = [fields.day.has(day), fields.weekday.has(weekday)]
    return fields.day.any || fields.weekday.any ? inMonth && inWeek : inMonth || inWeek
  }
  return {
    next(instant) {
      let time = Math.floor(instant / minuteMilliseconds) * minuteMilliseconds + minuteMilliseconds
      const lastYear = localTime(time, zone).year + 5
      for (;;) {
        const local = localTime(time, zone)
        if (local.year > lastYear) return undefined
        if (!fields.month.has(local.month)) time = startOfDay({ ...local, month: local.month + 1, day: 1 }, zone)
        else if (!isDay(local)) time = startOfDay({ ...local, day: local.day + 1 }, zone)
        else if (!fields.hour.has(local.hour)) time += (60 - local.minute) * minuteMilliseconds
        else if (!fields.minute.has(local.minute)) time += minuteMilliseconds
        else return time
      }
    },
  }
}
