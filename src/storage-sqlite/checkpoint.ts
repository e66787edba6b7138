// Moves the log into the database, and leaves a word there that a log goes with it: so one that is deleted after a kill or a power cut is missed.
//
// The word (`logged`) reaches the database with all else that is in the log, which is synced by then, as is its name; the next thing written to the log
// takes it back. So whoever reads both, copies the database or closes it (also SQLite itself, at the end of the thread) leaves a database without it.
import type Database from 'better-sqlite3'
import { phases, type State, sumOfState } from './layout.ts'

export function checkpoint(db: Database.Database, kind: 'PASSIVE' | 'RESTART'): void {
  const state = db.prepare('SELECT clean, revision, epoch FROM state').get() as State
  const say = (clean: number) => `UPDATE state SET clean = ${clean}, sum = ${sumOfState({ ...state, clean })}`
  try {
    // One call: the end of the thread comes between two of them, never into one.
    db.exec(`${say(phases.logged)}; PRAGMA wal_checkpoint(${kind}); ${say(state.clean)}`)
  } catch (error) {
    db.exec(say(state.clean))
    throw error
  }
}
