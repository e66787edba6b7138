// Starts components in order and stops them in reverse. One that fails brings the rest down: a half-running box helps nobody.
import type { Component, Running } from './component.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

interface SupervisorOptions {
  components: readonly Component[]
  clock: Clock
  log: Logger
  /** All components together have this long to stop; asked when it is time to. */
  stopMilliseconds(): Promise<number>
}

/** Resolves when everything has been stopped: with undefined after `signal`, else with what failed. Rejects when a component cannot start. */
export async function supervise(options: SupervisorOptions, signal: AbortSignal, onReady: () => void): Promise<Error | undefined> {
  const started: { name: string; running: Running }[] = []
  try {
    for (const component of options.components) {
      const begun = options.clock.monotonic()
      started.push({ name: component.name, running: await component.start(signal) })
      options.log.debug('component started', { component: component.name, milliseconds: Math.round(options.clock.monotonic() - begun) })
    }
    onReady()
    return await firstFailure(started, signal)
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    await stopAll(started, options)
  }
}

function firstFailure(started: readonly { name: string; running: Running }[], signal: AbortSignal): Promise<Error | undefined> {
  return new Promise((resolve) => {
    for (const { name, running } of started) void running.failed.then((error) => resolve(new Error(`${name}: ${error.message}`, { cause: error })))
    if (signal.aborted) return resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

async function stopAll(started: { name: string; running: Running }[], { clock, log, stopMilliseconds }: SupervisorOptions): Promise<void> {
  const deadline = new AbortController()
  const timer = clock.after(await stopMilliseconds(), () => deadline.abort(new Error('the time to stop is over')))
  const expired = new Promise<void>((resolve) => deadline.signal.addEventListener('abort', () => resolve(), { once: true }))
  for (const { name, running } of started.reverse()) {
    const stopping = running.stop(deadline.signal).catch((error: unknown) => log.warn('component did not stop cleanly', { component: name, error }))
    await Promise.race([stopping, expired])
  }
  timer.cancel()
}
