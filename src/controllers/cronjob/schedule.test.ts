import { describe, expect, test } from 'vitest'
import { formatIn, startOfDay, utc, zoneNamed } from './local-time.ts'
import { parseSchedule } from './schedule.ts'

const after = (schedule: string, from: string, zone: string, count = 3): string[] => {
  const parsed = parseSchedule(schedule, zoneNamed(zone))
  const times: string[] = []
  for (let time: number | undefined = Date.parse(from); times.length < count; times.push(formatIn(time, zoneNamed(zone)))) {
    time = parsed.next(time)
    if (time === undefined) break
  }
  return times
}

describe('the times of a schedule', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:07:30Z', 'UTC', ['2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z', '2026-01-01T00:45:00Z']],
    ['0 9-17/4 * * mon-FRI', '2026-01-02T14:00:00Z', 'UTC', ['2026-01-02T17:00:00Z', '2026-01-05T09:00:00Z', '2026-01-05T13:00:00Z']],
    // both days restricted: either will do; `*/1` restricts nothing, `*/2` does
    ['0 0 13 * 5', '2026-02-01T00:00:00Z', 'UTC', ['2026-02-06T00:00:00Z', '2026-02-13T00:00:00Z', '2026-02-20T00:00:00Z']],
    ['0 0 */1 * 1', '2026-02-01T00:00:00Z', 'UTC', ['2026-02-02T00:00:00Z', '2026-02-09T00:00:00Z', '2026-02-16T00:00:00Z']],
    ['0 0 */2 * 1', '2026-02-01T00:00:00Z', 'UTC', ['2026-02-02T00:00:00Z', '2026-02-03T00:00:00Z', '2026-02-05T00:00:00Z']],
    ['30 50/5 29 2 ?', '2026-01-01T00:00:00Z', 'UTC', 'beginning of range (50) above maximum'],
    ['0 0 29 feb ?', '2026-01-01T00:00:00Z', 'UTC', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z', '2036-02-29T00:00:00Z']],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', 'UTC', []],
    ['@weekly', '2026-01-01T00:00:00Z', 'UTC', ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z', '2026-01-18T00:00:00Z']],
    ['@every 1h30m0.5s', '2026-01-01T00:00:00.700Z', 'UTC', ['2026-01-01T01:30:00Z', '2026-01-01T03:00:00Z', '2026-01-01T04:30:00Z']],
    ['0 8 * * *', '2026-07-01T00:00:00Z', 'Asia/Kolkata', ['2026-07-01T08:00:00+05:30', '2026-07-02T08:00:00+05:30', '2026-07-03T08:00:00+05:30']],
    // the hour that is skipped in spring, and the one that comes twice in autumn
    ['30 2 * * *', '2026-03-28T00:00:00Z', 'Europe/Berlin', ['2026-03-28T02:30:00+01:00', '2026-03-30T02:30:00+02:00', '2026-03-31T02:30:00+02:00']],
    ['30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin', ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-10-26T02:30:00+01:00']],
    // a day without midnight
    ['0 * 8 9 *', '2024-09-08T00:00:00Z', 'America/Santiago', ['2024-09-08T01:00:00-03:00', '2024-09-08T02:00:00-03:00', '2024-09-08T03:00:00-03:00']],
  ])('%s after %s in %s', (schedule, from, zone, expected) => {
    if (typeof expected === 'string') expect(() => after(schedule, from, zone)).toThrow()
    else expect(after(schedule, from, zone)).toEqual(expected)
  })
})

test.each([
  ['UTC', 2026, 12, 32, '2027-01-01T00:00:00Z'],
  ['America/Santiago', 2024, 9, 8, '2024-09-08T01:00:00-03:00'],
  ['Europe/Berlin', 2026, 3, 30, '2026-03-30T00:00:00+02:00'],
  ['Europe/Berlin', 2026, 10, 25, '2026-10-25T00:00:00+02:00'],
  ['Pacific/Apia', 2026, 1, 1, '2026-01-01T00:00:00+13:00'],
])('a day in %s begins: %i-%i-%i', (name, year, month, day, expected) => {
  const zone = zoneNamed(name)
  expect(formatIn(startOfDay({ year, month, day }, zone), zone)).toBe(expected)
})

test('zones', () => {
  expect(() => zoneNamed('Nowhere/Land')).toThrow(RangeError)
  expect(zoneNamed('Etc/UTC')).toBe(utc)
})
