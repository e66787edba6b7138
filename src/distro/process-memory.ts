// The process's own memory, as `build.mjs` starts it: with V8's collector and the C library within reach. Without them (from source) V8 alone decides.
import { loadFunction } from '../base/c-library.ts'
import { memoryRelief } from '../base/memory-relief.ts'
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'

type Collect = (options: { type: 'major'; flavor: 'last-resort' }) => void

interface ProcessMemoryOptions {
  clock: Clock
  log: Logger
  /** Lets go of what can be made again. */
  forget(): void
}

export function processMemory({ clock, log, forget }: ProcessMemoryOptions): Component[] {
  const collect = (globalThis as { gc?: Collect }).gc
  const trim = loadFunction('malloc_trim', { arguments: ['u64'], return: 'i32' })
  if (!collect || !trim) return []
  let seen = performance.eventLoopUtilization()
  const utilization = () => {
    const now = performance.eventLoopUtilization()
    const { utilization: part } = performance.eventLoopUtilization(now, seen)
    seen = now
    return part
  }
  const relieve = () => {
    forget()
    collect({ type: 'major', flavor: 'last-resort' })
    trim(0n)
  }
  return [memoryRelief({ clock, log: log.with({ component: 'memory' }), residentBytes: () => process.memoryUsage.rss(), utilization, relieve })]
}
