// A lock on a file: held against every other process that sees the file, whatever its namespaces, and given back by the kernel when this one ends.
import { closeSync, openSync } from 'node:fs'
import { loadFunction } from './c-library.ts'

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
