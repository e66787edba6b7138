// One feed of events for all listeners of a driver, open while there is one and opened again with growing pauses when it breaks.
import { setTimeout as wait } from 'node:timers/promises'
import type { RuntimeEvent } from './container-runtime.ts'

export type Emit = (event: RuntimeEvent) => void

interface EventHub {
  subscribe(listener: Emit, lost: () => void): { stop(): void }
}

/** @param follow reads one feed to its end, however it ends; it calls `lost` when the feed is open and what was missed can be listed. Its signal is aborted also when the feed has ended. */
export function createEventHub(follow: (emit: Emit, lost: () => void, signal: AbortSignal) => Promise<void>): EventHub {
  const listeners = new Set<{ event: Emit; lost(): void }>()
  let feed: AbortController | undefined
  return {
    subscribe(event, lost) {
      const entry = { event, lost }
      listeners.add(entry)
      if (feed) queueMicrotask(() => listeners.has(entry) && lost())
      else {
        const opened = (feed = new AbortController())
        const emit: Emit = (one) => void (opened.signal.aborted || listeners.forEach((listener) => listener.event(one)))
        void keepFollowing((signal) => follow(emit, () => void (opened.signal.aborted || listeners.forEach((listener) => listener.lost())), signal), opened.signal)
      }
      return {
        stop() {
          listeners.delete(entry)
          if (listeners.size > 0) return
          feed?.abort()
          feed = undefined
        },
      }
    },
  }
}

async function keepFollowing(follow: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const started = performance.now()
    const feed = new AbortController()
    const end = () => feed.abort()
    signal.addEventListener('abort', end, { once: true })
    await follow(feed.signal).catch(() => undefined)
    signal.removeEventListener('abort', end)
    end()
    if (performance.now() - started > 10_000) failures = 0
    await wait(Math.min(5000, 50 * 2 ** failures), undefined, { signal, ref: false }).catch(() => undefined)
  }
}

/**
 * Calls `lost` when the runtime answers a question put after the subscription: it is in place then, and what was missed can be listed. One that is
 * starting takes subscriptions before it answers, so it is asked until it does or the feed has ended.
 */
export async function announceWhenOpen(ask: () => Promise<unknown>, lost: () => void, signal: AbortSignal): Promise<void> {
  for (let pause = 20; !signal.aborted; pause = Math.min(1000, pause * 2)) {
    if (await ask().then(() => true, () => false)) return lost()
    await wait(pause, undefined, { signal, ref: false }).catch(() => undefined)
  }
}
