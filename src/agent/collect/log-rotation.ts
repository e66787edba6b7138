// Container logs do not grow without end: at 10 MiB a log is put aside, older ones are compressed, five files are kept.
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'

interface LogRotation {
  runtime: ContainerRuntime
  clock: Clock
  /** Of one running container. */
  id: string
  logPath: string
  maxBytes: number
  maxFiles: number
}

export async function rotateLog({ runtime, clock, id, logPath, maxBytes, maxFiles }: LogRotation): Promise<boolean> {
  const size = await stat(logPath).then((s) => s.size, () => 0)
  if (size < maxBytes) return false
  const old = await rotated(logPath)
  for (const path of old.slice(0, Math.max(0, old.length - (maxFiles - 2)))) await rm(path, { force: true })
  for (const path of old.slice(Math.max(0, old.length - (maxFiles - 2)))) if (!path.endsWith('.gz')) await compress(path)
  const time = new Date(clock.now()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  await rename(logPath, `${logPath}.${time}`)
  await runtime.reopenLog(id)
  return true
}

/** Oldest first. */
async function rotated(logPath: string): Promise<string[]> {
  const names = await readdir(dirname(logPath))
  return names.filter((name) => name.startsWith(`${basename(logPath)}.`)).sort().map((name) => join(dirname(logPath), name))
}

async function compress(path: string): Promise<void> {
  const { createGzip } = await import('node:zlib')
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`))
  await rename(`${path}.tmp`, `${path}.gz`)
  await rm(path)
}
