// A lock on a file: held against every other process that sees the file, whatever its namespaces, and given back by the kernel when this one ends.
import { closeSync, openSync, statSync } from 'node:fs'
import { loadFunction } from './c-library.ts'
import { readIfThere } from './read-file.ts'

const exclusiveAtOnce = 2 | 4 // LOCK_EX | LOCK_NB

export interface FileLock {
  release(): void
}

/** @returns undefined when another process holds it. */
export function lockFile(path: string): FileLock | undefined {
  const flock = loadFunction('flock', { arguments: ['i32', 'i32'], return: 'i32' })
  const file = openSync(path, 'a', 0o600)
  if (flock && flock(file, exclusiveAtOnce) !== 0) {
    closeSync(file)
    return undefined
  }
  return { release: () => closeSync(file) }
}

/** The process that holds the lock, as far as it can be seen from here; 0 for one that has no number here. */
export function lockHolder(path: string): number | undefined {
  const file = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (!file) return undefined
  const [major, minor] = [((file.dev >> 8n) & 0xfffn) | ((file.dev >> 32n) & ~0xfffn), (file.dev & 0xffn) | ((file.dev >> 12n) & ~0xffn)]
  const name = `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${file.ino}`
  // as in `3: FLOCK  ADVISORY  WRITE 712 fe:00:1337 0 EOF`
  const line = readIfThere('/proc/locks').split('\n').map((one) => one.trim().split(/\s+/)).find((words) => words[1] === 'FLOCK' && words[5] === name)
  return line ? Number(line[4]) : undefined
}
