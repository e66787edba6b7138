// Files outside our directories that containerd, its shims, runc and the CNI plug-ins leave when they are killed.
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { listIfThere, readIfThere } from '../../base/read-file.ts'
import type { Paths } from '../paths.ts'

const shimSockets = '/run/containerd/s'
const runcStates = '/run/containerd/runc/k8s.io'
const cniResults = '/var/lib/cni/results'

/** Sockets of shims, as the state of our containerd records them; asked for before that is deleted. */
export function findShimSockets({ containerd }: Paths): string[] {
  const tasks = join(containerd.state, 'io.containerd.runtime.v2.task/k8s.io')
  return listIfThere(tasks).map((id) => readIfThere(join(tasks, id, 'address')).replace(/^unix:\/\//, '').trim()).filter((path) => path.startsWith(`${shimSockets}/`))
}

/** CNI's memory of what it did, which lives on the disk: results name the network namespace, and those of our pods lie in containerd's state. */
export function findCniResults({ containerd }: Paths): string[] {
  return listIfThere(cniResults).map((name) => join(cniResults, name)).filter((path) => readIfThere(path).includes(`"${containerd.state}/`))
}

/** Of the `ctr` driver's pods, whose runc cannot be given another place. */
export function findRuncStates({ containerd }: Paths): string[] {
  const ids = ['sandboxes', 'containers'].flatMap((kind) => listIfThere(join(containerd.ctrState, kind))).map((name) => name.replace(/\.json$/, ''))
  return ids.map((id) => join(runcStates, id)).filter((path) => existsSync(path))
}

export function removeRemains(files: readonly string[]): void {
  for (const file of files) rmSync(file, { recursive: true, force: true })
  removeEmpty(shimSockets, runcStates, dirname(runcStates), '/run/containerd', cniResults, '/var/lib/cni')
}

/** Directories that nothing is in any more, each after what it contains. */
export function removeEmpty(...directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      rmdirSync(directory)
    } catch {
      // not there, or somebody's
    }
  }
}
