// The directories of a server, and the lock that makes one process at a time their owner.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeLeftovers } from '../backup/work-directory.ts'
import type { Component } from '../base/component.ts'
import { lockDirectory, lockHolder, type DirectoryLock } from '../base/directory-lock.ts'
import { syncDirectory } from '../base/sync-directory.ts'
import { defaultRunDirectory } from '../runtime/containerd/paths.ts'
import { removeEmpty } from './leaving/remains.ts'
import type { Paths } from './paths.ts'

/** A server that is about to end lets go within this time. */
const patienceMilliseconds = 3000

export const dataDirectory = (paths: Paths): Component => ({
  name: 'data directory',
  async start(signal) {
    const lock = await take(paths, signal)
    // of back-ups and restorations that were killed
    removeLeftovers(paths.data, 'restore')
    for (const purpose of ['backup', 'check']) removeLeftovers(dirname(paths.database), purpose)
    mkdirSync(paths.run, { recursive: true, mode: 0o711 })
    // killall finds the server by it
    writeFileSync(paths.pidFile, `${process.pid}\n`)
    return {
      failed: new Promise(() => {}),
      async stop() {
        rmSync(paths.pidFile, { force: true })
        // nothing is in it where nothing goes on without a server
        removeEmpty(paths.dns, paths.run, defaultRunDirectory)
        lock.release()
      },
    }
  },
})

/** Does something that no server, and no other such command, may do at the same time. @throws an error of one line when the data directory is in use */
export async function asOwner<T>(paths: Paths, work: () => Promise<T>): Promise<T> {
  const lock = await take(paths)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

async function take(paths: Paths, signal?: AbortSignal): Promise<DirectoryLock> {
  createDirectories(paths)
  const lock = await patiently(() => lockDirectory(paths.data), signal)
  if (!lock) throw new Error(inUse(paths, lockHolder(paths.data)))
  return lock
}

/** @throws an error of one line when a server runs with this data directory. Looks only; `dataDirectory` decides. */
export async function refuseSecondServer(paths: Paths): Promise<void> {
  const isFree = await patiently(() => lockHolder(paths.data) === undefined)
  if (!isFree) throw new Error(inUse(paths, lockHolder(paths.data)))
}

async function patiently<T>(attempt: () => T | undefined, signal?: AbortSignal): Promise<T | undefined> {
  for (const until = performance.now() + patienceMilliseconds; ; await sleep(100, undefined, { signal })) {
    const result = attempt()
    if (result || performance.now() > until) return result
  }
}

const inUse = ({ data }: Paths, pid: number | undefined) => `the data directory ${data} is in use by another mk8s${pid ? ` (process ${pid})` : ''}: stop that one first, or choose another --data-dir`

/** @throws Error in one line */
function createDirectories(paths: Paths): void {
  try {
    const database = dirname(paths.database)
    const isNew = !existsSync(database)
    mkdirSync(paths.data, { recursive: true, mode: 0o711 })
    for (const directory of [database, paths.addons]) mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (isNew) syncUpwards(database)
  } catch (error) {
    throw new Error(`the data directory ${paths.data} cannot be used: ${(error as Error).message}`)
  }
}

/** A database is safe from a power cut only when its way down from the root is. */
function syncUpwards(directory: string): void {
  syncDirectory(directory)
  if (dirname(directory) !== directory) syncUpwards(dirname(directory))
}
