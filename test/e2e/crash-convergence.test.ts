// A few of the rounds of test/soak/crash-convergence: whatever is killed in the middle of whatever, the node comes to the state the API wants.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CrashRounds, seeded } from './crash-rounds.ts'
import { Machine } from './machine.ts'
import { openWorkbench } from './workbench.ts'

const machine = new Machine()
const seed = Date.now() % 100_000
const rounds = new CrashRounds(machine, seeded(seed))
beforeAll(() => openWorkbench(machine), 120_000)
afterAll(() => machine.close(), 60_000)

test.each(['both', 'power', 'containerd', 'mk8s'] as const)('%s is killed', async (killed) => {
  const { atMilliseconds, convergedMilliseconds } = await rounds.round(killed)
  console.log(`seed ${seed}: ${killed} killed after ${atMilliseconds} ms, converged after ${convergedMilliseconds} ms`)
  expect(convergedMilliseconds).toBeLessThan(120_000)
}, 200_000)
