// Components made of components.
import type { Component, Running } from './component.ts'

/** Starts in order, stops in reverse. */
export const inSequence = (name: string, components: readonly Component[]): Component => ({
  name,
  async start(signal) {
    const started: Running[] = []
    try {
      for (const component of components) started.push(await component.start(signal))
    } catch (error) {
      await stopAll(started, signal)
      throw error
    }
    return { failed: Promise.race(started.map((running) => running.failed)), stop: (deadline) => stopAll(started, deadline) }
  },
})

/** Starts all at once; ready when all are. One that cannot start aborts the starts of the others. Stops all at once. */
export const inParallel = (name: string, components: readonly Component[]): Component => ({
  name,
  async start(signal) {
    const refused = new AbortController()
    const starts = components.map((component) => component.start(AbortSignal.any([signal, refused.signal])))
    for (const start of starts) start.catch((reason: unknown) => refused.abort(reason))
    const results = await Promise.allSettled(starts)
    const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const stop = async (deadline: AbortSignal) => void (await Promise.all(started.map((running) => running.stop(deadline))))
    if (refused.signal.aborted) {
      await stop(signal)
      throw refused.signal.reason
    }
    return { failed: Promise.race(started.map((running) => running.failed)), stop }
  },
})

async function stopAll(started: Running[], deadline: AbortSignal): Promise<void> {
  for (const running of started.reverse()) await running.stop(deadline)
}
