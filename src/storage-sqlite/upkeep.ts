// Keeps the file small, between groups: moves the log into the database when it has grown, and gives free pages back to the disk. Each step
// is small and makes progress; when nothing is left to do nothing is written.
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { checkpoint } from './checkpoint.ts'
import { pageSize } from './layout.ts'
import { lengthenLog, type Room, unlessFull, walPagesLimit } from './room.ts'
import type { Rows } from './rows.ts'

/** Free pages are for the next rows; beyond this many they are given back: while rows are written only beyond a tenth of the file, too. */
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
  /** For when nothing has been written for a while; then there may be steps to do. */
  settle(): void
}

export function createUpkeep(db: Database.Database, rows: Rows, room: Room): Upkeep {
  const plainCheckpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  /** To what size the file is cut by the first write after it has been moved into the database. */
  const keepWalPages = (pages: number) => db.pragma(`journal_size_limit = ${pages * pageSize}`)
  let changesWhenQuiet = -1
  const isQuiet = () => rows.totalChanges() === changesWhenQuiet
  const tooManyFree = () => rows.number('freePages')! > Math.max(freePagesKept, isQuiet() ? 0 : rows.number('pages')! / 10)
  return {
    step() {
      let isMore = false
      unlessFull(() => {
        if (rows.walPages() >= (room.isShort ? walPagesLimit / 2 : walPagesLimit)) {
          keepWalPages(walPagesLimit)
          if (room.isShort) plainCheckpoint.get()
          else checkpoint(db, 'PASSIVE')
        }
        isMore = !room.isShort && tooManyFree()
        if (isMore) db.pragma(`incremental_vacuum(${pagesPerStep})`)
      })
      return isMore
    },
    settle() {
      const size = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
      if (!room.isShort && size !== quietWalPages * pageSize) unlessFull(() => {
        // After a start the file is new: it gets its lasting length at once, not by a page a flush.
        if (size < quietWalPages * pageSize) return lengthenLog(db.name, quietWalPages)
        keepWalPages(quietWalPages)
        checkpoint(db, 'RESTART')
      })
      changesWhenQuiet = rows.totalChanges()
    },
  }
}
