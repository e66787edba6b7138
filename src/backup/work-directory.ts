// Directories for work in progress. Their names say whose they are, so that what a killed process left is found and taken away.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Makes `parent/<purpose>-<pid>` anew, mode 0700. */
export function openWorkDirectory(parent: string, purpose: string): { path: string; remove(): void } {
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  removeLeftovers(parent, purpose)
  const path = join(parent, `${purpose}-${process.pid}`)
  const remove = () => rmSync(path, { recursive: true, force: true })
  remove()
  mkdirSync(path, { mode: 0o700 })
  return { path, remove }
}

/** Removes those of processes that are no more. */
export function removeLeftovers(parent: string, purpose: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${purpose}-(\\d+)$`).exec(name)?.[1]
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(parent, name), { recursive: true, force: true })
  }
}
