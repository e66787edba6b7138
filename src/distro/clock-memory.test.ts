import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { clockMemory } from './clock-memory.ts'

const hour = 3600_000
const day = 24 * hour
const noon = Date.UTC(2026, 5, 1, 12)
const ahead = noon + 4000 * day
let directory: string
let database: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-clock-'))
  database = join(directory, 'state.db')
})
afterEach(() => rmSync(directory, { recursive: true }))

/** A server starts at `start` by the clock, an hour after it starts `during` happens, and it writes until it ends. */
async function life(start: number, during: (clock: FakeClock) => void = () => {}): Promise<FakeClock> {
  const clock = new FakeClock(start)
  const running = await clockMemory({ directory, database, clock, log: silentLogger }).start(new AbortController().signal)
  clock.advance(hour)
  during(clock)
  await Promise.resolve()
  writeFileSync(database, '')
  utimesSync(database, clock.now() / 1000, clock.now() / 1000)
  await running.stop(AbortSignal.timeout(1000))
  return clock
}

const leaps = () => JSON.parse(readFileSync(join(directory, 'server/clock-leaps.json'), 'utf8')) as object[]

test('a start years ahead, and all starts after it, count the hours that servers ran', async () => {
  await life(noon)
  expect((await life(ahead)).since(noon)).toBe(2 * hour)
  expect((await life(ahead + hour)).since(noon)).toBe(3 * hour)
  // set right: the past is what the clock says, as before
  expect((await life(noon + 5 * hour)).since(noon + 4 * hour)).toBe(2 * hour)
  expect(leaps()).toEqual([])
  expect((await life(noon + 7 * hour)).since(noon)).toBe(8 * hour)
})

test('so does a leap of the running server', async () => {
  expect((await life(noon, (clock) => clock.setWall(ahead))).since(noon)).toBe(hour)
  expect((await life(ahead + hour)).since(noon)).toBe(3 * hour)
  const clock = await life(ahead + 2 * hour, (clock) => clock.setWall(noon + 4 * hour))
  expect(clock.since(noon)).toBe(4 * hour)
  expect(leaps()).toEqual([])
})

test('a database whose time another clock wrote does not make time run backwards', async () => {
  await life(noon)
  await life(ahead)
  utimesSync(database, (noon + 2 * hour) / 1000, (noon + 2 * hour) / 1000)
  expect((await life(ahead + 2 * hour)).since(noon)).toBe(3 * hour)
  expect(leaps()).toHaveLength(1)
})

test('a night off is believed, and a boot in 1970 changes nothing that is known', async () => {
  await life(noon)
  const morning = noon + 13 * hour
  expect((await life(morning)).since(noon)).toBe(14 * hour)
  expect((await life(morning + 40 * day)).since(noon)).toBe(15 * hour)
  const clock = await life(0, (clock) => clock.setWall(morning + 40 * day + 2 * hour))
  expect(clock.since(noon)).toBeLessThanOrEqual(17 * hour)
  expect(leaps()).toHaveLength(1)
  expect((await life(morning + 40 * day + 3 * hour)).since(noon)).toBe(18 * hour)
})
