// A lock on a directory: held against every other process that sees it, whatever its namespaces, and given back by the kernel when this one ends.
// It takes no file, so that looking for it changes nothing.
import { closeSync, openSync, statSync } from 'node:fs'
import { loadFunction } from './c-library.ts'
import { readIfThere } from './read-file.ts'

const exclusiveAtOnce = 2 | 4 // LOCK_EX | LOCK_NB

export interface DirectoryLock {
  release(): void
}

/** @returns undefined when another process holds it. */
export function lockDirectory(path: string): DirectoryLock | undefined {
  const flock = loadFunction('flock', { arguments: ['i32', 'i32'], return: 'i32' })
  const directory = openSync(path, 'r')
  if (flock && flock(directory, exclusiveAtOnce) !== 0) {
    closeSync(directory)
    return undefined
  }
  return { release: () => closeSync(directory) }
}

/** The process that holds the lock, as far as it can be seen from here; 0 for one that has no number here. */
export function lockHolder(path: string): number | undefined {
  const directory = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (!directory) return undefined
  const [major, minor] = [((directory.dev >> 8n) & 0xfffn) | ((directory.dev >> 32n) & ~0xfffn), (directory.dev & 0xffn) | ((directory.dev >> 12n) & ~0xffn)]
  const name = `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${directory.ino}`
  // as in `3: FLOCK  ADVISORY  WRITE 712 fe:00:1337 0 EOF`
  const line = readIfThere('/proc/locks').split('\n').map((one) => one.trim().split(/\s+/)).find((words) => words[1] === 'FLOCK' && words[5] === name)
  return line ? Number(line[4]) : undefined
}
