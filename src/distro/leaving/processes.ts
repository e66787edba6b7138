// Which processes belong to a data directory, found by what they are: their commands, their parents and where their root file system lies.
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { killIfThere } from '../../base/child-process.ts'
import { readIfThere } from '../../base/read-file.ts'

export interface Process {
  pid: number
  parent: number
  /** Words of the command line, each ended by a zero byte. */
  commandLine: string
}

export function processes(): Process[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => ({
    pid: Number(name),
    parent: Number(/^PPid:\s*(\d+)/m.exec(readIfThere(`/proc/${name}/status`))?.[1] ?? 0),
    commandLine: readIfThere(`/proc/${name}/cmdline`),
  }))
}

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
  return processes().map(({ pid }) => pid).filter((pid) => readIfThere(`/proc/${pid}/mountinfo`).split('\n').some((line) => isRootMountBelow(line, directory)))
}

/** `line` as /proc/PID/mountinfo: root within its file system (3), mount point (4), options of the file system (last). */
export function isRootMountBelow(line: string, directory: string): boolean {
  const words = line.split(' ')
  return words[4] === '/' && (words[3]!.startsWith(`${directory}/`) || words.at(-1)!.includes(`upperdir=${directory}/`))
}

const isAlive = (pid: number) => !/^State:\s*[ZX]/m.test(readIfThere(`/proc/${pid}/status`) || 'State: X')

/** Kills them and waits until they have gone. @returns how many did not go in time. */
export async function killAndWait(pids: readonly number[], milliseconds = 20_000): Promise<number> {
  for (const pid of pids) killIfThere(pid)
  for (const end = performance.now() + milliseconds; pids.some(isAlive) && performance.now() < end; ) await sleep(20)
  return pids.filter(isAlive).length
}
