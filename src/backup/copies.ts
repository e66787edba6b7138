// The directory of rolling copies. A copy's name says when it was made, at which revision and of what content; revisions and not times tell which is
// newer, because a box's clock may be wrong.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from '../base/sync-directory.ts'
import { timeStamp } from './restore.ts'

export interface StateCopy {
  path: string
  /** Milliseconds since 1970, by the clock of that time. */
  time: number
  revision: number
  /** See `fingerprint`. */
  content: string
  bytes: number
}

const namePattern = /^state-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-r(\d+)-([0-9a-f]+)\.tar\.gz$/
const unfinished = /^state-.*\.tar\.gz\.(\d+)\.tmp$/

export const copyName = ({ time, revision, content }: Pick<StateCopy, 'time' | 'revision' | 'content'>): string => `state-${timeStamp(time)}-r${revision}-${content}.tar.gz`

/** Newest first. */
export function listCopies(directory: string): StateCopy[] {
  return namesIn(directory).flatMap((name) => copyAt(directory, name)).sort((a, b) => b.revision - a.revision || b.time - a.time)
}

function copyAt(directory: string, name: string): StateCopy[] {
  const [, year, month, day, hour, minute, second, revision, content] = namePattern.exec(name) ?? []
  if (content === undefined) return []
  const path = join(directory, name)
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return []
  return [{ path, time: Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)), revision: Number(revision), content, bytes: size }]
}

/** Leaves the newest `keep` copies, and what is no copy. @returns the paths removed. */
export function pruneCopies(directory: string, keep: number): string[] {
  const old = listCopies(directory).slice(keep).map(({ path }) => path)
  const broken = namesIn(directory).filter((name) => unfinished.test(name) && !existsSync(`/proc/${unfinished.exec(name)![1]}`)).map((name) => join(directory, name))
  for (const path of [...old, ...broken]) rmSync(path, { force: true })
  if (old.length + broken.length > 0) syncDirectory(directory)
  return old
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
