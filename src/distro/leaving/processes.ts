// Which processes belong to a data directory, found by what they are: their commands, their parents and where their root file system lies.
import { setTimeout as sleep } from 'node:timers/promises'
import { mounts } from '../../base/mounts.ts'
import { killIfThere, processes, processIds } from '../../base/processes.ts'
import { readIfThere } from '../../base/read-file.ts'

export function descendants(roots: readonly number[]): number[] {
  const all = processes()
  const found = new Set(roots)
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

/** Containers whose shim has gone have no parent to know them by, but their root is one of our snapshots still. */
export function processesRootedBelow(directory: string): number[] {
  return processIds().filter((pid) => hasRootBelow(readIfThere(`/proc/${pid}/mountinfo`), directory))
}

/** `table` as /proc/PID/mountinfo. */
export function hasRootBelow(table: string, directory: string): boolean {
  return mounts(table).some(({ point, root, fileSystemOptions }) => point === '/' && (root.startsWith(`${directory}/`) || fileSystemOptions.includes(`upperdir=${directory}/`)))
}

const isAlive = (pid: number) => !/^State:\s*[ZX]/m.test(readIfThere(`/proc/${pid}/status`) || 'State: X')

/** Kills them and waits until they have gone. @returns how many did not go in time. */
export async function killAndWait(pids: readonly number[], milliseconds = 20_000): Promise<number> {
  for (const pid of pids) killIfThere(pid)
  for (const end = performance.now() + milliseconds; pids.some(isAlive) && performance.now() < end; ) await sleep(20)
  return pids.filter(isAlive).length
}
