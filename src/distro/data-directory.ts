// The directories of a server, and the file that names the process serving them.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Component } from '../base/component.ts'
import { syncDirectory } from '../base/sync-directory.ts'
import type { Paths } from './paths.ts'

export const dataDirectory = (paths: Paths): Component => ({
  name: 'data directory',
  async start() {
    createDirectories(paths)
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
})

/** @throws Error in one line */
export function createDirectories(paths: Paths): void {
  try {
    const database = dirname(paths.database)
    const isNew = !existsSync(database)
    mkdirSync(paths.data, { recursive: true, mode: 0o711 })
    for (const directory of [database, paths.addons]) mkdirSync(directory, { recursive: true, mode: 0o700 })
    mkdirSync(paths.run, { recursive: true, mode: 0o711 })
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

/** Written when the database is ours: until then another process may be the one. */
export const pidFile = (paths: Paths): Component => ({
  name: 'pid file',
  async start() {
    writeFileSync(paths.pidFile, `${process.pid}\n`)
    return { failed: new Promise(() => {}), stop: async () => rmSync(paths.pidFile, { force: true }) }
  },
})
