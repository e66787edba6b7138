// The cgroups of pods and of what outlives mk8s, when no process is left in them.
import { join } from 'node:path'
import { cgroupHierarchies, removeCgroup } from '../../base/cgroups.ts'
import type { Paths } from '../paths.ts'

export async function removeCgroups({ cgroupParent, containerd }: Paths): Promise<void> {
  await Promise.all(cgroupHierarchies().flatMap((hierarchy) => [cgroupParent || '/kubepods', containerd.cgroup].map((name) => removeCgroup(join(hierarchy, name)))))
}
