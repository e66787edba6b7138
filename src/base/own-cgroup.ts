// What outlives us lives in a cgroup of its own. In that of the service that starts us it would be ended by `systemctl kill mk8s`,
// counted against the service's limits, and complained about as left over at each start.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cgroupHierarchies, cgroupRoot, isUnified } from './cgroups.ts'

interface Surroundings {
  hasSystemd: boolean
  /** Where cgroups are mounted. */
  root: string
}

const machine = (): Surroundings => ({ hasSystemd: existsSync('/run/systemd/system'), root: cgroupRoot })

/** Moves a process, and so what it will start. Without systemd nobody ends processes by cgroup, and nothing is done. */
export function moveToOwnCgroup(pid: number, name: string, { hasSystemd, root } = machine()): void {
  if (!hasSystemd) return
  // with cgroups of version 1, systemd tells what belongs to a service by hierarchies of its own
  const hierarchies = cgroupHierarchies(root).filter((path) => isUnified(root) || ['systemd', 'unified'].includes(basename(path)))
  for (const hierarchy of hierarchies) {
    mkdirSync(join(hierarchy, name), { recursive: true })
    writeFileSync(join(hierarchy, name, 'cgroup.procs'), String(pid))
  }
}
