// Processes killed at random moments under concurrent writes. What a killed process has written stays in the page cache: see power-loss.test.ts for the rest.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { startSourceWorker } from '../source-worker.ts'
import { openSqliteStorage } from '../sqlite-storage.ts'
import { Model } from './model.ts'
import { recover } from './recover.ts'

const asked = process.env['MK8S_CRASH_ROUNDS']
const rounds = Number(asked ?? 100)
/** Databases written, killed and checked side by side. */
const boxes = 4
const writer = fileURLToPath(new URL('./writer.ts', import.meta.url))
let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'mk8s-crash-'))))
afterEach(() => rmSync(directory, { recursive: true }))

/** Lets a writer work for a while and kills it. */
async function killOne(path: string, round: number, model: Model): Promise<void> {
  const diary = `${path}-diary`
  const child = spawn(process.execPath, [writer, path, diary, String(round)], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'code') } })
  const exit = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exit])
  setTimeout(() => child.kill('SIGKILL'), Math.random() * 200)
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  readFileSync(diary, 'utf8').split('\n').slice(0, -1).forEach((line) => model.read(line))
  rmSync(diary)
}

/** A watch from before goes on only where nothing can have been missed. */
async function checkWatch(path: string, from: number): Promise<void> {
  const storage = await openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger })
  expect(await storage.currentRevision()).toBeGreaterThan(from)
  expect(() => storage.watch(from, () => {})).toThrow(expect.objectContaining({ code: 'compacted' }))
  await storage.close()
}

it(`loses nothing that was acknowledged in ${rounds} kills under concurrent writes`, { timeout: 60_000 + rounds * 5_000 }, async () => {
  const begun = performance.now()
  const totals = await Promise.all(Array.from({ length: boxes }, async (_, box) => {
    const path = join(directory, `state${box}.db`)
    const model = new Model()
    for (let round = 0; round < rounds / boxes; round++) {
      await killOne(path, round, model)
      if (round % 10 === 0) await checkWatch(path, model.highest)
      const { rows, revision, wrong } = recover(path)
      expect([...wrong, ...model.check(rows, revision)], `round ${round}`).toEqual([])
      model.restart(rows)
    }
    return model.acknowledged
  }))
  const acknowledged = totals.reduce((sum, total) => sum + total)
  expect(acknowledged).toBeGreaterThan(rounds * 20)
  if (asked) console.log(`${rounds} kills, ${acknowledged} writes acknowledged, none lost; ${((performance.now() - begun) / 1000).toFixed(0)} s`)
})
