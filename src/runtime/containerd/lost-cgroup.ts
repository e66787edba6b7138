// The control group of a container that nobody knows any more: runc removes it only with a container whose state it had written down.
import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { cgroupHierarchies } from '../../base/cgroups.ts'
import { killIfThere } from '../../base/processes.ts'
import { readIfThere } from '../../base/read-file.ts'

/** Ends what is in it and takes it away, in every hierarchy. @param path as a container's specification names it, from the root of the hierarchies. */
export async function removeLostCgroup(path: string): Promise<void> {
  for (const hierarchy of cgroupHierarchies()) {
    const directory = join(hierarchy, path)
    for (let tries = 20; tries > 0 && existsSync(directory); tries--) {
      for (const pid of readIfThere(join(directory, 'cgroup.procs')).split('\n').filter(Boolean)) killIfThere(Number(pid))
      if (await rmdir(directory).then(() => true, () => false)) break
      await wait(100)
    }
  }
}
