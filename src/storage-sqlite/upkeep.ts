// Keeps the file small, between groups: moves the WAL into the database when it has grown, and gives free pages back to the disk. Each step
// is small and makes progress; when nothing is left to do nothing is written.
import type Database from 'better-sqlite3'
import { codeOf, type Rows } from './database.ts'

const walPagesLimit = 1000
/** Free pages are for the next rows; beyond a tenth of the file, and this many, they are given back. */
const freePagesKept = 64
const pagesPerStep = 64

export interface Upkeep {
  /** Does one step. @returns whether more is to be done. */
  step(): boolean
}

export function createUpkeep(db: Database.Database, rows: Rows): Upkeep {
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  const tooManyFree = () => rows.number('freePages')! > Math.max(freePagesKept, rows.number('pages')! / 10)
  return {
    step() {
      try {
        if (rows.walPages() >= walPagesLimit) checkpoint.get()
        if (!tooManyFree()) return false
        db.pragma(`incremental_vacuum(${pagesPerStep})`)
        return true
      } catch (error) {
        if (codeOf(error) === 'SQLITE_FULL') return false
        throw error
      }
    },
  }
}
