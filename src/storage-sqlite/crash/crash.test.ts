import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { startSourceWorker } from '../source-worker.ts'
import { openSqliteStorage } from '../sqlite-storage.ts'
import { Model } from './model.ts'

const rounds = Number(process.env['MK8S_CRASH_ROUNDS'] ?? 20)
const writer = fileURLToPath(new URL('./writer.ts', import.meta.url))
let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'mk8s-crash-'))))
afterEach(() => rmSync(directory, { recursive: true }))

/** Lets a writer work for a while and kills it. @returns how many writes were acknowledged. */
async function killOne(path: string, round: number, model: Model): Promise<number> {
  const diary = `${path}-diary-${round}`
  const child = spawn(process.execPath, [writer, path, diary, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exit])
  setTimeout(() => child.kill('SIGKILL'), 20 + Math.random() * 200)
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  const lines = readFileSync(diary, 'utf8').split('\n').slice(0, -1)
  for (const line of lines) model.read(line)
  return lines.filter((line) => line.startsWith('A')).length
}

it(`loses nothing that was acknowledged in ${rounds} kills under concurrent writes`, { timeout: 60_000 + rounds * 5_000 }, async () => {
  const path = join(directory, 'state.db')
  const model = new Model()
  let acknowledged = 0
  for (let round = 0; round < rounds; round++) {
    acknowledged += await killOne(path, round, model)
    const storage = await openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger })
    const { rows, revision } = await storage.list('')
    expect(model.check(rows, revision), `round ${round}`).toEqual([])
    await storage.close()
  }
  expect(acknowledged).toBeGreaterThan(rounds * 20)
  const db = new Database(path)
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
  db.close()
})
