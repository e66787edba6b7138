// Keys that want work. A key waits at most once, is never worked on twice at a time, and one that is added while it is worked on comes again.
// A failure brings the key back after a pause that grows with every failure in a row.
import { createBackOff, type BackOff } from './back-off.ts'
import type { Clock, Timer } from './clock.ts'

interface WorkQueueOptions {
  clock: Clock
  /** How many keys are worked on at a time. */
  concurrency: number
  /** Returns after how many milliseconds the key wants to come again, if it does. A rejection counts as a failure. */
  work(key: string): Promise<number | undefined>
  onFailure?(key: string, error: unknown, milliseconds: number): void
  random(): number
  /** Default 10 ms up to a minute. */
  retry?: { initialMilliseconds: number; maximumMilliseconds: number }
}

interface WorkQueue {
  add(key: string): void
  /** Adds the key later. The earliest of several times counts. */
  addAfter(key: string, milliseconds: number): void
  /** Adds at once what was to come later. */
  hurry(): void
  /** Resolves when no key waits for a worker or is worked on. Keys that come later do not count. */
  idle(): Promise<void>
  /** Takes no more keys; resolves when the work under way has ended. */
  stop(): Promise<void>
}

const defaultRetry = { initialMilliseconds: 10, maximumMilliseconds: 60_000 }

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, concurrency, work, onFailure, random, retry = defaultRetry } = options
  const waiting = new Set<string>()
  const working = new Set<string>()
  const again = new Set<string>()
  const later = new Map<string, { due: number; timer: Timer }>()
  const backOffs = new Map<string, BackOff>()
  const idlers: (() => void)[] = []
  let stopped = false
  let scheduled = false

  const add = (key: string): void => {
    if (stopped) return
    if (working.has(key)) return void again.add(key)
    waiting.add(key)
    schedule()
  }

  const addAfter = (key: string, milliseconds: number): void => {
    if (stopped) return
    const due = clock.monotonic() + milliseconds
    const planned = later.get(key)
    if (planned && planned.due <= due) return
    planned?.timer.cancel()
    const timer = clock.after(milliseconds, () => {
      later.delete(key)
      add(key)
    })
    later.set(key, { due, timer })
  }

  const hurry = (): void => {
    for (const [key, { timer }] of [...later]) {
      timer.cancel()
      later.delete(key)
      add(key)
    }
  }

  // one turn of the event loop gathers what comes together
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      while (!stopped && working.size < concurrency && waiting.size > 0) void run(waiting.values().next().value!)
      if (working.size === 0 && (stopped || waiting.size === 0)) for (const resolve of idlers.splice(0)) resolve()
    })
  }

  const run = async (key: string): Promise<void> => {
    waiting.delete(key)
    working.add(key)
    try {
      const wait = await work(key)
      backOffs.delete(key)
      if (wait !== undefined) addAfter(key, wait)
    } catch (error) {
      if (!stopped) retryLater(key, error)
    }
    working.delete(key)
    if (again.delete(key)) add(key)
    schedule()
  }

  const retryLater = (key: string, error: unknown): void => {
    const backOff = backOffs.get(key) ?? createBackOff({ ...retry, jitter: 0.2, random })
    backOffs.set(key, backOff)
    const wait = backOff.next()
    onFailure?.(key, error, wait)
    addAfter(key, wait)
  }

  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      idlers.push(resolve)
      schedule()
    })

  return {
    add, addAfter, hurry, idle,
    async stop() {
      stopped = true
      for (const { timer } of later.values()) timer.cancel()
      later.clear()
      waiting.clear()
      again.clear()
      await idle()
    },
  }
}
