// What the wall clock did that a later start cannot see: a leap of more than a day, while the server ran or while it did not. A clock that is wrong by years is more
// likely than a box that was off for days, and what is done by a wrong clock (Jobs failed and deleted, pods ended, Events gone) is not undone when the clock is
// right again; so the leap counts as no time. It is forgotten when the clock goes back behind it.
import { join } from 'node:path'
import type { RecallingClock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { readText } from '../base/read-file.ts'
import { earliestBelievable, type Jump } from '../base/wall-time.ts'
import { writeAtomically } from '../pki/files.ts'
import { lastWrite } from '../storage-sqlite/last-write.ts'

const longestPause = 24 * 3600_000
const mostLeaps = 16

interface ClockMemoryOptions {
  /** The data directory; must be ours, and the database not yet open. */
  directory: string
  database: string
  clock: RecallingClock
  log: Logger
}

export const clockMemory = ({ directory, database, clock, log }: ClockMemoryOptions): Component => ({
  name: 'memory of the clock',
  async start() {
    const file = join(directory, 'server/clock-leaps.json')
    const known = read(file)
    let leaps = known
    const keep = (changed: readonly Jump[]) => {
      leaps = changed.slice(-mostLeaps)
      try {
        writeAtomically(file, JSON.stringify(leaps))
      } catch (error) {
        log.warn('a leap of the clock could not be written down: a restart will take it for time that has passed', { error })
      }
    }
    const now = clock.now()
    const before = lastWrite(database)
    const atStart = before === undefined ? leaps : after({ before, after: now }, leaps)
    if (atStart.at(-1)?.after === now) log.warn('the clock is more than a day ahead of when this server last ran: deadlines and lives go on as if no time had passed', { lastRan: new Date(before!).toISOString(), now: new Date(now).toISOString() })
    if (atStart !== leaps) keep(atStart)
    // the server that ran before had a clock that was ahead of this one
    clock.recall(before !== undefined && now < before ? [...leaps, { before, after: now }] : leaps)
    const stopListening = clock.onJump((jump) => {
      const changed = after(jump, leaps)
      if (changed !== leaps) keep(changed)
    })
    return { failed: new Promise(() => {}), stop: async () => stopListening() }
  },
})

/** The leaps that matter after one more jump; the same array when nothing has changed. A clock from before mk8s was written is no clock: boxes without a battery leap from it to the present with each boot. */
function after(jump: Jump, leaps: readonly Jump[]): readonly Jump[] {
  const behind = (time: number) => {
    const left = time < earliestBelievable ? leaps : leaps.filter((leap) => leap.after <= time)
    return left.length === leaps.length ? leaps : left
  }
  return jump.after - jump.before > longestPause && jump.before >= earliestBelievable ? [...behind(jump.before), jump] : behind(jump.after)
}

function read(file: string): readonly Jump[] {
  try {
    const leaps: unknown = JSON.parse(readText(file) ?? '[]')
    return Array.isArray(leaps) ? leaps.filter(isJump) : []
  } catch {
    return []
  }
}

const isJump = (value: unknown): value is Jump =>
  typeof value === 'object' && value !== null && Number.isFinite((value as Partial<Jump>).before) && Number.isFinite((value as Partial<Jump>).after)
