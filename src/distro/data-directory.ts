// The directories of a server, and the file that names the process serving them.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Component } from '../base/component.ts'
import type { Paths } from './paths.ts'

export const dataDirectory = (paths: Paths): Component => ({
  name: 'data directory',
  async start() {
    try {
      mkdirSync(paths.data, { recursive: true, mode: 0o711 })
      for (const directory of [dirname(paths.database), paths.addons]) mkdirSync(directory, { recursive: true, mode: 0o700 })
      mkdirSync(paths.run, { recursive: true, mode: 0o711 })
    } catch (error) {
      throw new Error(`the data directory ${paths.data} cannot be used: ${(error as Error).message}`)
    }
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
})

/** Written when the database is ours: until then another process may be the one. */
export const pidFile = (paths: Paths): Component => ({
  name: 'pid file',
  async start() {
    writeFileSync(paths.pidFile, `${process.pid}\n`)
    return { failed: new Promise(() => {}), stop: async () => rmSync(paths.pidFile, { force: true }) }
  },
})
