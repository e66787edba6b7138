import { expect, test } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { RuntimeError } from '../../runtime/container-runtime.ts'
import { sandboxSpec } from '../../runtime/contract.ts'
import { FakeRuntime } from '../../runtime/fake.ts'
import { labelKeys } from '../container/labels.ts'
import { openRuntimeView } from './view.ts'

async function openWorld() {
  const clock = new FakeClock()
  const runtime = new FakeRuntime({ clock })
  const sandbox = await runtime.runSandbox(sandboxSpec('u', '', { labels: { [labelKeys.podUid]: 'u' } }))
  const view = await openRuntimeView({ runtime, clock, log: silentLogger })
  const unavailable = new RuntimeError('Unavailable', 'server is not initialized yet')
  return { clock, runtime, sandbox, view, unavailable, isReady: () => view.observe('u').sandboxes[0]?.ready }
}

test('what was missed while events were lost is read as soon as the runtime can be', async () => {
  const { clock, runtime, view, unavailable, isReady } = await openWorld()
  expect(isReady()).toBe(true)
  runtime.crash()
  for (let i = 0; i < 3; i++) runtime.failNext('listSandboxes', unavailable)
  runtime.loseEvents()
  await expect.poll(() => (clock.advance(1000), isReady()), { timeout: 10_000 }).toBe(false)
  expect(clock.monotonic()).toBeLessThan(200_000)
  expect(runtime.calls.filter((call) => call === 'listSandboxes')).toHaveLength(5)
  view.stop()
})

test('a second word of it ends the pause between two tries, and one object that cannot be read hides no other', async () => {
  const { clock, runtime, sandbox, view, unavailable, isReady } = await openWorld()
  const other = await runtime.runSandbox(sandboxSpec('other', '', { labels: { [labelKeys.podUid]: 'other' } }))
  const listed = () => runtime.calls.filter((call) => call === 'listSandboxes').length
  runtime.failNext('sandboxStatus', unavailable)
  runtime.crash()
  view.recheck()
  await expect.poll(() => view.observe('other').sandboxes[0]?.id, { timeout: 10_000 }).toBe(other)
  expect([listed(), isReady()]).toEqual([2, true])
  view.recheck()
  await expect.poll(isReady, { timeout: 10_000 }).toBe(false)
  expect([clock.monotonic(), view.observe('u').sandboxes[0]?.id]).toEqual([0, sandbox])
  view.stop()
})
