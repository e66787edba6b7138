// Time as an argument. Wall time may jump; monotonic time never does, so every duration is measured with `monotonic`, and one that began at a
// time somebody wrote down with `since` (docs/decisions/clock.md).
import { WallTime, type Jump } from './wall-time.ts'

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall time in milliseconds since 1970. */
  now(): number
  /** Milliseconds on a clock that only goes forward; its zero means nothing. */
  monotonic(): number
  /** Milliseconds that have passed since the wall clock showed `wall`, jumps of the clock taken out: a lower bound where nobody can know. Never negative. */
  since(wall: number): number
  /** Tells of jumps of the wall clock, within the ten seconds in which somebody looks at it. Returns how to stop. */
  onJump(listener: (jump: Jump) => void): () => void
  /** Calls `callback` once after `milliseconds` of monotonic time. The timer does not keep the process alive. */
  after(milliseconds: number, callback: () => void): Timer
}

/** `Clock.since`, where a plan needs no more of the clock. */
export type Since = (wall: number) => number

const longestTimeout = 2 ** 31 - 1

const wallTime = new WallTime({ wall: () => Date.now(), monotonic: () => performance.now() })

/** A clock that can be told what earlier processes saw. */
export interface RecallingClock extends Clock {
  /** See `WallTime`. */
  recall(jumps: readonly Jump[]): void
}

export const systemClock: RecallingClock = {
  now: () => wallTime.now(),
  monotonic: () => performance.now(),
  since: (wall) => wallTime.since(wall),
  onJump: (listener) => wallTime.onJump(listener),
  recall: (jumps) => wallTime.recall(jumps),
  after(milliseconds, callback) {
    const due = performance.now() + milliseconds
    let handle: NodeJS.Timeout
    const arm = () => {
      const left = due - performance.now()
      handle = left > longestTimeout ? setTimeout(arm, longestTimeout) : setTimeout(callback, Math.max(0, left))
      handle.unref()
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `milliseconds`, or rejects with the signal's reason. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => (timer.cancel(), reject(signal!.reason))
    const timer = clock.after(milliseconds, () => (signal?.removeEventListener('abort', onAbort), resolve()))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Wall time as Kubernetes writes it: RFC 3339, UTC, whole seconds. */
export const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 19) + 'Z'

/** The same with six decimals, as `MicroTime` wants it. */
export const rfc3339Micro = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 23) + '000Z'

/** A clock that stands still until a test moves it. Timers fire in order, each at its own instant. */
export class FakeClock implements RecallingClock {
  #wall: number
  #monotonic = 0
  #timers = new Set<{ due: number; callback: () => void }>()
  readonly #time: WallTime

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall
    this.#time = new WallTime({ wall: () => this.#wall, monotonic: () => this.#monotonic })
  }

  now = () => this.#time.now()
  monotonic = () => this.#monotonic
  since = (wall: number) => this.#time.since(wall)
  onJump = (listener: (jump: Jump) => void) => this.#time.onJump(listener)
  recall = (jumps: readonly Jump[]) => this.#time.recall(jumps)

  after(milliseconds: number, callback: () => void): Timer {
    const timer = { due: this.#monotonic + Math.max(0, milliseconds), callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Moves both clocks forward, firing what falls due on the way. */
  advance(milliseconds: number): void {
    const end = this.#monotonic + milliseconds
    for (;;) {
      const next = [...this.#timers].filter((t) => t.due <= end).sort((a, b) => a.due - b.due)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#step(next.due)
      next.callback()
    }
    this.#step(end)
  }

  /** Sets wall time alone, as an administrator or NTP does. */
  setWall(wall: number): void {
    this.#time.now()
    this.#wall = wall
    this.#time.now()
  }

  #step(to: number): void {
    this.#wall += to - this.#monotonic
    this.#monotonic = to
  }
}
