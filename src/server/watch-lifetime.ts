// How long a watch lasts: until its timeout, its reader goes, or the server stops.
import type { Call } from './call.ts'

const shortest = 1800
const longestExtra = 1800
const lastBookmarkMilliseconds = 500

interface WatchLifetime {
  readonly signal: AbortSignal
  /** Called shortly before a timeout ends the watch. */
  beforeEnd(callback: () => void): void
  end(): void
}

/** Without a timeout it is half an hour to an hour, at random, so that not all watches come again at once. */
export function watchLifetime({ parts, request }: Call, timeoutSeconds: number | undefined): WatchLifetime {
  const controller = new AbortController()
  let last = () => {}
  const stop = () => controller.abort()
  const seconds = timeoutSeconds || shortest + parts.random(longestExtra)
  let timer = parts.clock.after(seconds * 1000, () => {
    last()
    timer = parts.clock.after(lastBookmarkMilliseconds, stop)
  })
  request.signal.addEventListener('abort', stop)
  parts.stopping.addEventListener('abort', stop)
  if (request.signal.aborted || parts.stopping.aborted) stop()
  return {
    signal: controller.signal,
    beforeEnd: (callback) => void (last = callback),
    end() {
      timer.cancel()
      request.signal.removeEventListener('abort', stop)
      parts.stopping.removeEventListener('abort', stop)
      stop()
    },
  }
}
