// The cgroups of pods and of what outlives mk8s, when no process is left in them.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../paths.ts'
import { listIfThere, removeEmpty } from './remains.ts'

const mounted = '/sys/fs/cgroup'

export function removeCgroups({ cgroupParent, containerd }: Paths): void {
  for (const hierarchy of ['', ...listIfThere(mounted)]) for (const name of [cgroupParent || '/kubepods', containerd.cgroup]) removeCgroup(join(mounted, hierarchy, name))
}

function removeCgroup(directory: string): void {
  if (!existsSync(directory)) return
  for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) removeCgroup(join(directory, entry.name))
  removeEmpty(directory)
}
