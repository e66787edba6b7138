// A component that can be made anew while it runs, for parts that keep what they were given at their start.
import type { Component, Running } from './component.ts'

interface Renewable extends Component {
  /** Stops what runs, if anything does, and starts another. One after the other when called again meanwhile. */
  renew(): Promise<void>
}

/** The old one has this long to stop. */
const stopMilliseconds = 5000

export function renewable(name: string, make: () => Component): Renewable {
  const ended = new AbortController()
  const failed = Promise.withResolvers<Error>()
  let running: Running | undefined
  let turn: Promise<void> = Promise.resolve()

  async function run(signal: AbortSignal): Promise<void> {
    running = await make().start(signal)
    void running.failed.then(failed.resolve)
  }
  return {
    name,
    async start(signal) {
      await run(signal)
      return {
        failed: failed.promise,
        async stop(deadline) {
          ended.abort(new Error('stopped'))
          await turn
          await running?.stop(deadline)
        },
      }
    },
    renew() {
      turn = turn.then(async () => {
        if (!running || ended.signal.aborted) return
        await running.stop(AbortSignal.timeout(stopMilliseconds))
        running = undefined
        await run(ended.signal)
      }).catch((error: unknown) => {
        if (!ended.signal.aborted) failed.resolve(error as Error)
      })
      return turn
    },
  }
}
