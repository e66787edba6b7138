// Keeps the file small, between groups: moves the WAL into the database when it has grown, and gives free pages back to the disk. Each step
// is small and makes progress; when nothing is left to do nothing is written.
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { pageSize } from './layout.ts'
import type { Rows } from './rows.ts'
import { codeOf } from './unusable.ts'

const walPagesLimit = 1000
/** Free pages are for the next rows; beyond a tenth of the file, and this many, they are given back. */
const freePagesKept = 32
const pagesPerStep = 64

/**
 * A WAL file beyond this is cut back to it once writing has paused. It keeps this much, and is written from its beginning again: a file that
 * grows by a page also writes the pages of the file system that say so.
 */
const quietWalPages = 32

interface Upkeep {
  /** Does one step. @returns whether more is to be done. */
  step(): boolean
  /** For when nothing has been written for a while. */
  settle(): void
}

export function createUpkeep(db: Database.Database, rows: Rows): Upkeep {
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  const restart = db.prepare('PRAGMA wal_checkpoint(RESTART)')
  const wal = `${db.name}-wal`
  /** To what size the file is cut by the first write after it has been moved into the database. */
  const keepWalPages = (pages: number) => db.pragma(`journal_size_limit = ${pages * pageSize}`)
  const tooManyFree = () => rows.number('freePages')! > Math.max(freePagesKept, rows.number('pages')! / 10)
  /** After a start the file is new: it gets its lasting length at once, not by a page a flush. What these commits say matters to nobody, so nothing is synced. */
  const lengthen = () => {
    db.pragma('synchronous = OFF')
    try {
      unlessFull(() => {
        for (let pages = rows.walPages(); pages < quietWalPages - 1; pages++) rows.touch()
        restart.get()
        return false
      })
    } finally {
      db.pragma('synchronous = FULL')
    }
  }
  return {
    step() {
      return unlessFull(() => {
        if (rows.walPages() >= walPagesLimit) {
          keepWalPages(walPagesLimit)
          checkpoint.get()
        }
        if (!tooManyFree()) return false
        db.pragma(`incremental_vacuum(${pagesPerStep})`)
        return true
      })
    },
    settle() {
      const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0
      if (size < (quietWalPages - 1) * pageSize) return lengthen()
      if (size <= quietWalPages * pageSize) return
      keepWalPages(quietWalPages)
      unlessFull(() => {
        restart.get()
        rows.touch()
        return false
      })
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
