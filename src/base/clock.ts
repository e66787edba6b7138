// Time as an argument. Wall time may jump; monotonic time never does, so every duration is measured with `monotonic`.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall time in milliseconds since 1970. */
  now(): number
  /** Milliseconds on a clock that only goes forward; its zero means nothing. */
  monotonic(): number
  /** Calls `callback` once after `milliseconds` of monotonic time. The timer does not keep the process alive. */
  after(milliseconds: number, callback: () => void): Timer
}

const longestTimeout = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
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
export class FakeClock implements Clock {
  #wall: number
  #monotonic = 0
  #timers = new Set<{ due: number; callback: () => void }>()

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall
  }

  now = () => this.#wall
  monotonic = () => this.#monotonic

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
    this.#wall = wall
  }

  #step(to: number): void {
    this.#wall += to - this.#monotonic
    this.#monotonic = to
  }
}
