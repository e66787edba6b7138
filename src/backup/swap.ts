// Puts prepared files in place of those in use, all of them or none, whatever the power does.
//
// What is to be done is written down first (`restore.json` in the data directory, synced); from then on it will be done: by whoever wrote it, or by
// the next that opens the data directory. Each step can be repeated. Nothing is deleted: what was in use is moved aside.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText } from '../base/read-file.ts'
import { syncDirectory } from '../base/sync-directory.ts'
import { writeAtomically } from '../pki/files.ts'
import { databaseCompanions, databaseName, parts } from './places.ts'

export interface Swap {
  /** Directory of the prepared files, below the data directory. */
  staged: string
  /** Directory for what is in use now, below the data directory. */
  aside: string
  /** Files elsewhere, which are written and not moved: from below `staged`, to an absolute path. What was there has been copied to `aside` before. */
  writes: readonly { from: string; to: string; mode: number }[]
}

const noteOf = (data: string) => join(data, 'restore.json')

/** Commits to the swap: after this it happens, also after a power cut. The files in `staged` must be on the disk. */
export function commitSwap(data: string, swap: Swap): void {
  const aside = join(data, swap.aside)
  mkdirSync(join(aside, 'db'), { recursive: true, mode: 0o700 })
  for (const directory of [aside, dirname(aside), data]) syncDirectory(directory)
  writeAtomically(noteOf(data), JSON.stringify(swap))
}

export const isSwapCommitted = (data: string): boolean => existsSync(noteOf(data))

/** Does what has been committed to, or the rest of it. @returns what it was, undefined when there was nothing to do. */
export function finishSwap(data: string): Swap | undefined {
  const note = readText(noteOf(data))
  if (note === undefined) return undefined
  const swap = JSON.parse(note) as Swap
  for (const step of stepsOf(data, swap)) step()
  return swap
}

/** In order; each may be done again. */
export function stepsOf(data: string, swap: Swap): (() => void)[] {
  const at = (path: string) => join(data, path)
  const holds = (part: string) => existsSync(at(join(swap.staged, part)))
  const aside = (path: string) => at(join(swap.aside, path.replace(/^server\//, '')))
  const putAside = (path: string) => () => {
    if (existsSync(at(path)) && !existsSync(aside(path))) move(at(path), aside(path))
  }
  const replace = ([part, path]: [string, string]) => [
    () => void (holds(part) && putAside(path)()),
    () => void (holds(part) && move(at(join(swap.staged, part)), at(path))),
  ]
  return [
    ...swap.writes.map(({ from, to, mode }) => () => void (holds(from) && writeAtomically(to, readFileSync(at(join(swap.staged, from)), 'utf8'), mode))),
    // the log goes before its database: beside another one it would be taken for that one's
    ...databaseCompanions.map((path) => () => void (holds(databaseName) && putAside(path)())),
    ...Object.entries(parts).flatMap(replace),
    () => rmSync(at(swap.staged), { recursive: true, force: true }),
    () => {
      rmSync(noteOf(data), { force: true })
      syncDirectory(data)
    },
  ]
}

function move(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  renameSync(from, to)
  syncDirectory(dirname(to))
  syncDirectory(dirname(from))
}
