// Directories for work in progress. Their names say whose they are, so that what a killed process left is found and taken away.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Makes `parent/<purpose>-<pid>` anew, mode 0700, and removes those of processes that are no more. */
export function openWorkDirectory(parent: string, purpose: string): { path: string; remove(): void } {
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${purpose}-(\\d+)$`).exec(name)?.[1]
    if (pid && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`))) rmSync(join(parent, name), { recursive: true, force: true })
  }
  const path = join(parent, `${purpose}-${process.pid}`)
  mkdirSync(path, { mode: 0o700 })
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
