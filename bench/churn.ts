// How large the database gets: `node bench/churn.ts [updates]`, 1 million of 1,000 objects by default, then deletes all. Prints one line a figure; exit code 1 beyond the limits.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { startSourceWorker } from '../src/storage-sqlite/source-worker.ts'
import { openSqliteStorage } from '../src/storage-sqlite/sqlite-storage.ts'

const updates = Number(process.argv[2] ?? 1_000_000)
const objects = 1000
const directory = mkdtempSync(join(process.env['MK8S_BENCH_DIR'] ?? tmpdir(), 'mk8s-churn-'))
const path = join(directory, 'state.db')
const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0
const total = () => sizeOf(path) + sizeOf(`${path}-wal`)
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`
const print = (name: string, value: string) => console.log(`${name.padEnd(58)} ${value}`)

const storage = await openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger })
const valueOf = (object: number, round: number) => Buffer.alloc(500 + ((object * 7919 + round * 104_729) % 2000), String.fromCharCode(97 + (round % 26)))
const live = new Map<string, { revision: number; bytes: number }>()
let peak = 0

async function writeRound(round: number): Promise<void> {
  await Promise.all(Array.from({ length: objects }, async (_, object) => {
    const key = `churn/${object}`
    const value = valueOf(object, round)
    const before = live.get(key)
    live.set(key, { revision: await (before ? storage.update(key, value, before.revision) : storage.create(key, value)), bytes: value.length })
  }))
  peak = Math.max(peak, total())
}

/** Waits until the files have the size they keep. */
async function settled(): Promise<number> {
  for (let before = -1, same = 0; same < 8; before = total()) {
    await sleep(500)
    same = total() === before ? same + 1 : 0
  }
  return total()
}

const begun = performance.now()
for (let round = 0; round <= updates / objects; round++) await writeRound(round)
const seconds = (performance.now() - begun) / 1000
const liveBytes = [...live.values()].reduce((sum, { bytes }) => sum + bytes, 0)
print(`${updates} updates of ${objects} objects`, `${seconds.toFixed(0)} s, ${Math.round(updates / seconds)}/s`)
print('live data', megabytes(liveBytes))
print('database and log meanwhile, at most', `${megabytes(peak)}, ${(peak / liveBytes).toFixed(1)} × live`)
const afterUpdates = await settled()
print('database and log after it', `${megabytes(afterUpdates)}, ${(afterUpdates / liveBytes).toFixed(2)} × live (limit 3)`)
await Promise.all([...live].map(([key, { revision }]) => storage.delete(key, revision)))
const afterDeletes = await settled()
print('database and log after all were deleted', `${megabytes(afterDeletes)} (limit 0.5)`)
await storage.close()
rmSync(directory, { recursive: true })
if (afterUpdates > 3 * liveBytes || afterDeletes > 500_000) process.exitCode = 1
