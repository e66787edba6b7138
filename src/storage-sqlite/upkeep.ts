// Keeps the file small, between groups: moves the WAL into the database when it has grown, and gives free pages back to the disk. Each step
// is small and makes progress; when nothing is left to do nothing is written.
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { codeOf, pageSize, type Rows } from './database.ts'

const walPagesLimit = 1000
/** Free pages are for the next rows; beyond a tenth of the file, and this many, they are given back. */
const freePagesKept = 32
const pagesPerStep = 64

/** A WAL file beyond this is cut back to nothing once writing has paused. */
const quietWalBytes = 64 * pageSize

export interface Upkeep {
  /** Does one step. @returns whether more is to be done. */
  step(): boolean
  /** For when nothing has been written for a while. */
  settle(): void
}

export function createUpkeep(db: Database.Database, rows: Rows): Upkeep {
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  const truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  const wal = `${db.name}-wal`
  const tooManyFree = () => rows.number('freePages')! > Math.max(freePagesKept, rows.number('pages')! / 10)
  return {
    step() {
      return unlessFull(() => {
        if (rows.walPages() >= walPagesLimit) checkpoint.get()
        if (!tooManyFree()) return false
        db.pragma(`incremental_vacuum(${pagesPerStep})`)
        return true
      })
    },
    settle() {
      const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0
      if (size > quietWalBytes) unlessFull(() => truncate.get() !== undefined)
    },
  }
}

/** A full disk is no reason to give up: the next step finds out whether there is room again. */
function unlessFull(work: () => boolean): boolean {
  try {
    return work()
  } catch (error) {
    if (codeOf(error) === 'SQLITE_FULL') return false
    throw error
  }
}
