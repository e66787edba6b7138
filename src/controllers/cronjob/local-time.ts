// Wall time of a place, and back.

export interface LocalTime {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  /** 0 is Sunday. */
  weekday: number
  hour: number
  minute: number
}

export interface Zone {
  /** How far ahead of UTC it is at that instant, in milliseconds. */
  offsetAt(instant: number): number
}

export const utc: Zone = { offsetAt: () => 0 }

/** @throws RangeError when there is no zone of that name. */
export function zoneNamed(name: string): Zone {
  if (/^(Etc\/)?(UTC|UCT|Zulu)$/i.test(name)) return utc
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  })
  return {
    offsetAt(instant) {
      const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
      const local = Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second)
      return local - Math.floor(instant / 1000) * 1000
    },
  }
}

export function localTime(instant: number, zone: Zone): LocalTime {
  const date = new Date(instant + zone.offsetAt(instant))
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay(),
    hour: date.getUTCHours(), minute: date.getUTCMinutes(),
  }
}

/** The instant at which a day begins; `month` and `day` may run over. */
export function startOfDay({ year, month, day }: Pick<LocalTime, 'year' | 'month' | 'day'>, zone: Zone): number {
  const midnight = Date.UTC(year, month - 1, day)
  const before = midnight - zone.offsetAt(midnight - 24 * 3600_000)
  const after = midnight - zone.offsetAt(midnight + 24 * 3600_000)
  if (before === after) return before
  // the clocks are set on one of the days around: where midnight is skipped, the day begins with that
  const [early, late] = [Math.min(before, after), Math.max(before, after)]
  return midnight - zone.offsetAt(early) === early ? early : late
}

/** RFC 3339 with the place's offset. */
export function formatIn(instant: number, zone: Zone): string {
  const offset = Math.round(zone.offsetAt(instant) / 60_000)
  const text = new Date(instant + offset * 60_000).toISOString().slice(0, 19)
  if (offset === 0) return `${text}Z`
  const two = (n: number) => String(n).padStart(2, '0')
  return `${text}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
}
