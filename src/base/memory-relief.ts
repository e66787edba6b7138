// Gives memory back to the machine when a load has passed: V8 and malloc keep what they have, for a next load that may never come.
//
// A full collection stops everything for as long as it takes to mark what is alive, so it waits for a quiet minute, runs again only after
// growth or while it was of use, and less and less often otherwise.
import type { Clock, Timer } from './clock.ts'
import type { Component } from './component.ts'
import type { Logger } from './logger.ts'

const interval = 60_000
const longestPause = 64 * interval
const quietUtilization = 0.05
const growthBytes = 32 << 20
const usefulBytes = 8 << 20

interface MemoryReliefOptions {
  clock: Clock
  log: Logger
  residentBytes(): number
  /** What part of the time since it was asked last the event loop was busy, 0 to 1. */
  utilization(): number
  /** Collects garbage and returns free pages. */
  relieve(): void
}

export function memoryRelief({ clock, log, residentBytes, utilization, relieve }: MemoryReliefOptions): Component {
  let timer: Timer
  let after = -Infinity
  /** The least there was after a relief; the first is always due. */
  let floor = -Infinity
  let pause = interval
  let notBefore = 0

  const look = () => {
    const before = residentBytes()
    if (before > after + growthBytes) {
      pause = interval
      notBefore = 0
    }
    const busy = utilization()
    if (busy > quietUtilization || before < floor + growthBytes || clock.monotonic() < notBefore) return
    const began = clock.monotonic()
    relieve()
    after = residentBytes()
    floor = floor < 0 ? after : Math.min(floor, after)
    pause = before - after >= usefulBytes ? interval : Math.min(pause * 2, longestPause)
    notBefore = began + pause - interval / 2
    log.debug('memory given back', { before, after, milliseconds: Math.round(clock.monotonic() - began) })
  }
  const arm = () => {
    timer = clock.after(interval, () => (look(), arm()))
  }
  return {
    name: 'memory relief',
    start: async () => {
      utilization()
      arm()
      return { failed: new Promise(() => {}), stop: async () => timer.cancel() }
    },
  }
}
