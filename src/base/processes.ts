// The machine's processes, from /proc, where each may go away while it is looked at.
import { readdirSync, readFileSync } from 'node:fs'
import { readIfThere } from './read-file.ts'

export interface Process {
  pid: number
  parent: number
  /** Words of the command line, each ended by a zero byte. */
  commandLine: string
}

export const processIds = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)

export function processes(): Process[] {
  return processIds().map((pid) => ({
    pid,
    parent: Number(/^PPid:\s*(\d+)/m.exec(readIfThere(`/proc/${pid}/status`))?.[1] ?? 0),
    commandLine: readIfThere(`/proc/${pid}/cmdline`),
  }))
}

/** Arguments of a living process, or undefined. A process that has ended and was not waited for counts as gone. */
export function commandLineOf(pid: number): string[] | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    return words.length > 0 ? words : undefined
  } catch {
    return undefined
  }
}

/** Ends a process that may have ended by itself meanwhile. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has
  }
}
