import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { startHeartbeat } from './heartbeat.ts'

/** Timers of `late` milliseconds' delay, as of a process that gets no time. */
class SlowClock extends FakeClock {
  late = 0
  override after(milliseconds: number, callback: () => void) {
    return super.after(milliseconds + this.late, callback)
  }
}

function open() {
  const clock = new SlowClock()
  const seen = { asked: 0, hung: 0 }
  const heartbeat = startHeartbeat({ clock, ask: () => void seen.asked++, hung: () => void seen.hung++ })
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      await nextTurn()
    }
  }
  return { clock, seen, heartbeat, pass }
}

test('who answers is asked every 15 seconds, who does not within ten hangs', async () => {
  const { seen, heartbeat, pass } = open()
  await pass(16)
  expect(seen).toEqual({ asked: 1, hung: 0 })
  heartbeat.answered()
  await pass(14)
  expect(seen.asked).toBe(1)
  await pass(1)
  expect(seen.asked).toBe(2)
  await pass(9)
  expect(seen.hung).toBe(0)
  await pass(1)
  expect(seen).toEqual({ asked: 2, hung: 1 })
  await pass(100)
  expect(seen).toEqual({ asked: 2, hung: 1 })
})

test('a silence that was slept through proves nothing: it is asked anew', async () => {
  const { clock, seen, heartbeat, pass } = open()
  heartbeat.ask()
  expect(seen.asked).toBe(1)
  heartbeat.answered()
  clock.late = 3600_000
  heartbeat.ask()
  clock.late = 0
  await pass(3611)
  expect(seen).toEqual({ asked: 3, hung: 0 })
  clock.setWall(clock.now() + 86_400_000)
  heartbeat.answered()
  await pass(20)
  expect(seen).toEqual({ asked: 4, hung: 0 })
  await pass(5)
  expect(seen.hung).toBe(1)
})

test('an answer that was there in time counts, and after the end nothing is asked', async () => {
  const { clock, seen, heartbeat, pass } = open()
  heartbeat.ask()
  clock.advance(10_000)
  heartbeat.answered()
  await nextTurn()
  expect(seen.hung).toBe(0)
  heartbeat.stop()
  await pass(100)
  expect(seen).toEqual({ asked: 1, hung: 0 })
})
