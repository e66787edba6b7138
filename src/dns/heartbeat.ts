// Notices that a process hangs: asked now and then, it has to answer in time. Nothing is concluded from a silence that this process slept through
// (stopped, suspended, starved): its own timer comes late then, and it asks anew. All times are monotonic, so jumps of the clock mean nothing.
import type { Clock, Timer } from '../base/clock.ts'

interface Heartbeat {
  /** At once, not when it is time. */
  ask(): void
  answered(): void
  stop(): void
}

const interval = 15_000
const patience = 10_000
const lateMilliseconds = 1000

export function startHeartbeat({ clock, ask, hung }: { clock: Clock; ask(): void; hung(): void }): Heartbeat {
  let timer: Timer
  let waiting = false
  const after = (milliseconds: number, then: (late: boolean) => void) => {
    const due = clock.monotonic() + milliseconds
    timer = clock.after(milliseconds, () => then(clock.monotonic() - due > lateMilliseconds))
  }
  const question = () => {
    waiting = true
    ask()
    // an answer that lies there already is read first
    after(patience, (late) => setImmediate(() => waiting && (late ? question() : hung())))
  }
  const rest = () => after(interval, question)
  rest()
  return {
    ask() {
      timer.cancel()
      question()
    },
    answered() {
      if (!waiting) return
      waiting = false
      timer.cancel()
      rest()
    },
    stop() {
      waiting = false
      timer.cancel()
    },
  }
}
