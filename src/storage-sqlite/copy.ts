// A copy of the database while it is written: pages in small steps, between which writes go on; what they change is copied, too. Runs in the worker.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { codeOf } from './unusable.ts'

/** 400 kB: a step is over in a millisecond or two. */
const pagesPerStep = 100

/** The copy is one file without a log beside it, and on the disk. */
export async function copyDatabase(db: Database.Database, path: string): Promise<void> {
  await db.backup(path, { progress: () => pagesPerStep })
  syncFile(path)
}

export const copyFailure = (error: unknown, path: string): string =>
  codeOf(error) === 'SQLITE_FULL' ? `no room for a copy of the database at ${path}: free some disk space` : `the database cannot be copied to ${path}: ${(error as Error).message}`

function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
