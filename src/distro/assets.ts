// What the executable carries beside its code. From sources (tests, `node src/main.ts`) the same things are ordinary files.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getAsset, getRawAsset, isSea } from 'node:sea'
import { Worker } from 'node:worker_threads'

/** Starts the storage engine's thread. */
export function startStorageWorker(workerData: unknown): Worker {
  const options = { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 } }
  return isSea() ? new Worker(getAsset('storage-worker', 'utf8'), { ...options, eval: true }) : new Worker(new URL('../storage-sqlite/worker.ts', import.meta.url), options)
}

/** Path of SQLite's addon: a shared library can only be loaded from a file. Undefined from sources. */
export function extractSqliteAddon(directory: string): string | undefined {
  if (!isSea()) return undefined
  const bytes = Buffer.from(getRawAsset('sqlite.node') as ArrayBuffer)
  const name = `sqlite-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.node`
  const path = join(directory, name)
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) {
    writeFileSync(`${path}.new`, bytes, { mode: 0o700, flush: true })
    renameSync(`${path}.new`, path)
  }
  for (const other of readdirSync(directory)) if (other.startsWith('sqlite-') && other !== name) rmSync(join(directory, other))
  return path
}

/** Runs what this process runs, also when the file it was started from has been replaced since. */
export const ownCommand = (): readonly [string, ...string[]] => (isSea() ? ['/proc/self/exe'] : [process.execPath, process.argv[1]!])
