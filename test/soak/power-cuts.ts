// power-cuts [ROUNDS] [SEED]: cuts the power of a machine whose disk forgets what was not synced, while objects are written, pods come and go and an
// image is unpacked; prints after each cut how much was acknowledged, all of it found again, and how long the node took. A round that fails ends it.
// Needs root and dist/mk8s; about fifteen seconds a round.
import { seeded } from '../e2e/crash-rounds.ts'
import { LossyMachine } from '../e2e/lossy-machine.ts'
import { PowerCuts } from '../e2e/power-cuts.ts'
import { openWorkbench } from '../e2e/workbench.ts'

const rounds = Number(process.argv[2] ?? 30)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
const machine = new LossyMachine()
console.log(`${rounds} cuts, seed ${seed}`)
let code = 0
try {
  await openWorkbench(machine)
  const cuts = new PowerCuts(machine, seeded(seed))
  const times: number[] = []
  for (let i = 1; i <= rounds; i++) {
    const { acknowledged, convergedMilliseconds, unpackedAnew } = await cuts.round()
    times.push(convergedMilliseconds)
    console.log(`${String(i).padStart(3)} ${String(acknowledged).padStart(6)} objects acknowledged and found, converged after ${convergedMilliseconds} ms${unpackedAnew ? ', layers unpacked anew' : ''}`)
  }
  console.log(`median ${times.sort((a, b) => a - b)[times.length >> 1]} ms, slowest ${times.at(-1)} ms`)
} catch (error) {
  code = 1
  console.error((error as Error).message)
  if (process.env.MK8S_TEST_KEEP) console.error(`kept: ${machine.directory}`)
} finally {
  await machine.close()
}
process.exit(code)
