// Control groups: version 2 has one hierarchy; version 1 one for each controller, beside those that name processes only (`systemd`, `unified`).
import { existsSync, readdirSync } from 'node:fs'
import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export const cgroupRoot = '/sys/fs/cgroup'

/** Version 2. */
export const isUnified = (root = cgroupRoot): boolean => existsSync(join(root, 'cgroup.controllers'))

/** Where each is mounted. The other names of one, as `cpu` for `cpu,cpuacct`, are links and do not count. */
export function cgroupHierarchies(root = cgroupRoot): string[] {
  if (isUnified(root)) return [root]
  return existsSync(root) ? readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name)) : []
}

/** With all below it. A process that was killed is in its group until it has ended: what is busy is tried again for a second. */
export async function removeCgroup(path: string): Promise<void> {
  const children = await readdir(path, { withFileTypes: true }).catch(() => [])
  for (const child of children) if (child.isDirectory()) await removeCgroup(join(path, child.name))
  for (let tries = 10; tries > 0; tries--) {
    const code = await rmdir(path).then(() => undefined, (error: NodeJS.ErrnoException) => error.code)
    if (code !== 'EBUSY') return
    await wait(100)
  }
}
