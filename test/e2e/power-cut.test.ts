// The power is cut on a disk that forgets what was not synced. Many rounds: test/soak/power-cuts.ts.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { seeded } from './crash-rounds.ts'
import { LossyMachine } from './lossy-machine.ts'
import { PowerCuts } from './power-cuts.ts'
import { openWorkbench } from './workbench.ts'

vi.setConfig({ testTimeout: 240_000 })
const machine = new LossyMachine()
const cuts = new PowerCuts(machine, seeded(Date.now() % 100_000))

beforeAll(() => openWorkbench(machine), 180_000)
afterAll(() => machine.close(), 60_000)

test.each(['while pods come and go', 'while an image is imported as well'])('%s: nothing acknowledged is lost, all comes back, images are whole', async (what) => {
  const { acknowledged, convergedMilliseconds, unpackedAnew } = await cuts.round()
  console.log(`power cut ${what}: ${acknowledged} objects acknowledged and found, converged after ${convergedMilliseconds} ms${unpackedAnew ? ', layers unpacked anew' : ''}`)
  expect(acknowledged).toBeGreaterThan(0)
})
