import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'

const minute = 60_000
const hour = 60 * minute
const noon = Date.UTC(2026, 5, 1, 12)
const sunday = Date.UTC(1970, 0, 4)

/** Clock started at `start`; then ten minutes, a jump to `to`, and five minutes. */
function afterJump(start: number, to: number): FakeClock {
  const clock = new FakeClock(start)
  clock.advance(10 * minute)
  clock.setWall(to)
  clock.advance(5 * minute)
  return clock
}

test('without a jump it is the difference', () => {
  const clock = new FakeClock(noon)
  clock.advance(10 * minute)
  expect(clock.since(noon)).toBe(10 * minute)
  expect(clock.since(noon - hour)).toBe(70 * minute)
})

test.each([
  ['an hour ahead, written before it', noon, noon + 70 * minute, noon + 4 * minute, 11 * minute],
  ['an hour ahead, written after it', noon, noon + 70 * minute, noon + 72 * minute, 3 * minute],
  ['an hour ahead, written by an earlier process', noon, noon + 70 * minute, noon - 2 * minute, 17 * minute],
  ['an hour back, written before it', noon, noon - 50 * minute, noon + 4 * minute, 11 * minute],
  ['an hour back, written after it', noon, noon - 50 * minute, noon - 48 * minute, 3 * minute],
  ['from 1970 to now, written in 1970', sunday, noon, sunday + 4 * minute, 11 * minute],
  ['from 1970 to now, written by an earlier process with the right time', sunday, noon, noon - hour, hour + 5 * minute],
  ['back from ten years ahead, written there', noon + 87_660 * hour, noon, noon + 87_660 * hour + 4 * minute, 11 * minute],
  ['back from ten years ahead, written by an earlier process with the right time', noon + 87_660 * hour, noon, noon - hour, hour + 5 * minute],
])('a jump %s', (_what, start, to, written, passed) => expect(afterJump(start, to).since(written)).toBe(passed))

test('what an earlier process wrote under a clock that nobody knows is as old as this process', () => {
  const clock = new FakeClock(noon)
  clock.advance(minute)
  expect(clock.since(noon + hour)).toBe(minute)
  expect(clock.since(noon + minute + 20_000)).toBe(minute)
  expect(clock.since(sunday)).toBe(minute)
})

test('what lies ahead by no more than clocks differ is new; what lies ahead because the clock was set back a little is not', () => {
  const clock = new FakeClock(noon)
  clock.advance(minute)
  expect(clock.since(noon + minute + 3000)).toBe(0)
  clock.setWall(noon + minute - 3000)
  clock.advance(1000)
  expect(clock.since(noon + 30_000)).toBe(28_000)
  expect(clock.since(noon + minute)).toBe(1000)
})

test('jumps are told, slow corrections are not', async () => {
  const clock = new FakeClock(noon)
  const jumps: object[] = []
  const stop = clock.onJump((jump) => void jumps.push(jump))
  for (let i = 1; i <= 20; i++) {
    clock.advance(minute)
    clock.setWall(noon + i * minute + i * 500)
  }
  clock.setWall(noon)
  await Promise.resolve()
  expect(jumps).toEqual([{ before: noon + 20 * minute + 10_000, after: noon }])
  stop()
  clock.setWall(noon + hour)
  await Promise.resolve()
  expect(jumps).toHaveLength(1)
  expect(clock.since(noon + 20 * minute)).toBeLessThan(11_000)
})

test('jumps that earlier processes saw are taken out, and times from between them are what they were', () => {
  const clock = new FakeClock(noon)
  const day = 24 * hour
  // thirty days at once, two hours on that clock, ten years at the start of this process
  const first = { before: noon - 10 * day, after: noon + 20 * day }
  const second = { before: first.after + 2 * hour, after: noon + 3650 * day }
  clock.setWall(second.after)
  clock.recall([first, second])
  clock.advance(5 * minute)
  expect(clock.since(second.after + minute)).toBe(4 * minute)
  expect(clock.since(first.after + hour)).toBe(hour + 5 * minute)
  expect(clock.since(first.before - minute)).toBe(2 * hour + 6 * minute)
  // set right again: a time from now on is known, and one from before the leaps at least as old
  clock.setWall(noon)
  clock.advance(minute)
  expect(clock.since(noon)).toBe(minute)
  expect(clock.since(first.before - minute)).toBe(2 * hour + 7 * minute)
})
