// crash-convergence [ROUNDS] [SEED] [KIND,...]: kills mk8s, its containerd, both, and the machine's power (or only those named) at random moments
// while pods are made and deleted, and prints after each round how long the node took until everything ran and nothing else was left. A round that
// does not converge ends it; MK8S_TEST_KEEP leaves its files, MK8S_TEST_HOLD the machine itself for an hour.
// Needs root and dist/mk8s; about eight seconds a round.
import { Machine } from '../e2e/machine.ts'
import { CrashRounds, seeded, type Killed } from '../e2e/crash-rounds.ts'
import { openWorkbench } from '../e2e/workbench.ts'

const rounds = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
const all: readonly Killed[] = ['mk8s', 'containerd', 'both', 'power']
const named = process.argv[4]?.split(',')
const kinds = all.filter((kind) => !named || named.includes(kind))
if (kinds.length === 0) throw new Error(`kinds are ${all.join(', ')}`)
const machine = new Machine()
const taken = new Map<Killed, number[]>(kinds.map((kind) => [kind, []]))
console.log(`${rounds} rounds, seed ${seed}: ${kinds.join(', ')}`)
let code = 0
try {
  await openWorkbench(machine)
  const crash = new CrashRounds(machine, seeded(seed))
  for (let i = 0; i < rounds; i++) {
    const { killed, atMilliseconds, convergedMilliseconds, last } = await crash.round(kinds[i % kinds.length]!)
    taken.get(killed)!.push(convergedMilliseconds)
    console.log(`${String(i + 1).padStart(3)} ${killed.padEnd(10)} killed after ${String(atMilliseconds).padStart(4)} ms, converged after ${convergedMilliseconds} ms, last: ${last.slice(0, 100)}`)
  }
  for (const [kind, times] of taken) {
    if (times.length > 0) console.log(`${kind}: ${times.length} rounds converged, median ${times.sort((a, b) => a - b)[times.length >> 1]} ms, slowest ${times.at(-1)} ms`)
  }
} catch (error) {
  code = 1
  console.error((error as Error).message)
  if (process.env.MK8S_TEST_KEEP) console.error(`kept: ${machine.directory}`)
  if (process.env.MK8S_TEST_HOLD) await new Promise((resolve) => setTimeout(resolve, 3600_000))
} finally {
  await machine.close()
}
process.exit(code)
