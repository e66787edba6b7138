// For tests: how late an event loop runs its timers by its own doing. What a busy machine adds, by giving the processor to others, is taken off.
import { readFileSync } from 'node:fs'

const every = 5

/** Nanoseconds that the main thread was ready to run and did not. */
const waited = () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1])

/** @returns what ends the measurement with the 99th percentile, in milliseconds. */
export function measureLoopDelay(): { stop(): number } {
  const delays: number[] = []
  let before = { at: performance.now(), waited: waited() }
  const timer = setInterval(() => {
    const now = { at: performance.now(), waited: waited() }
    delays.push(Math.max(0, now.at - before.at - every - (now.waited - before.waited) / 1e6))
    before = now
  }, every)
  return {
    stop() {
      clearInterval(timer)
      return delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)] ?? Infinity
    },
  }
}
