import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'
import { silentLogger } from './logger.ts'
import { memoryRelief } from './memory-relief.ts'

const MB = 1 << 20
const minute = 60_000

async function started() {
  const clock = new FakeClock()
  const state = { resident: 150 * MB, least: 100 * MB, busy: 0, reliefs: 0 }
  const running = await memoryRelief({
    clock, log: silentLogger, residentBytes: () => state.resident, utilization: () => state.busy,
    relieve: () => (state.reliefs++, (state.resident = Math.max(state.least, state.resident - 100 * MB))),
  }).start(new AbortController().signal)
  return { clock, state, running }
}

test('once after the start, then only after growth', async () => {
  const { clock, state } = await started()
  for (let i = 0; i < 10; i++) clock.advance(minute)
  expect(state.reliefs).toBe(1)
  state.resident = 120 * MB
  clock.advance(minute)
  expect(state.reliefs).toBe(1)
  state.resident = 700 * MB
  for (let i = 0; i < 20; i++) clock.advance(minute)
  expect(state.resident).toBeLessThanOrEqual(132 * MB)
  expect(state.reliefs).toBe(7)
})

test('not while there is work', async () => {
  const { clock, state } = await started()
  state.busy = 0.5
  for (let i = 0; i < 5; i++) clock.advance(minute)
  expect(state.reliefs).toBe(0)
})

test('seldom where it is of no use, at once when more has come', async () => {
  const { clock, state } = await started()
  clock.advance(minute)
  state.least = state.resident = 500 * MB
  for (let i = 0; i < 1000; i++) clock.advance(minute)
  expect(state.reliefs).toBeLessThan(30)
  const before = state.reliefs
  state.resident = 600 * MB
  clock.advance(minute)
  expect(state.reliefs).toBe(before + 1)
})

test('a stopped one does nothing', async () => {
  const { clock, state, running } = await started()
  await running.stop(new AbortController().signal)
  clock.advance(10 * minute)
  expect(state.reliefs).toBe(0)
})
