// Exponential delays kept in memory: doubled by each failure up to a limit, forgotten after twice that limit without one. All instants are on the monotonic clock.

interface BackoffEntry {
  delayMilliseconds: number
  /** When the delay was last raised. */
  updatedAt: number
}

interface Backoff {
  /** The delay that holds for a failure at `eventAt`; 0 when none does. */
  delay(key: string, eventAt: number): number
  /** Raises the delay after a failure at `eventAt`. */
  next(key: string, eventAt: number, now: number): void
  forget(prefix: string): void
}

const backoffDefaults = { initialMilliseconds: 10_000, limitMilliseconds: 300_000 }

export function createBackoff({ initialMilliseconds, limitMilliseconds } = backoffDefaults): Backoff {
  const entries = new Map<string, BackoffEntry>()
  const current = (key: string, eventAt: number) => {
    const entry = entries.get(key)
    return entry && eventAt - entry.updatedAt <= 2 * limitMilliseconds ? entry : undefined
  }
  return {
    delay: (key, eventAt) => current(key, eventAt)?.delayMilliseconds ?? 0,
    next(key, eventAt, now) {
      const entry = current(key, eventAt)
      const delayMilliseconds = entry ? Math.min(entry.delayMilliseconds * 2, limitMilliseconds) : initialMilliseconds
      entries.set(key, { delayMilliseconds, updatedAt: now })
    },
    forget(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key)
    },
  }
}

/** A duration as Go prints it: `10s`, `2m40s`, `1.5s`, `350ms`, `1h0m0s`. */
export function goDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  const totalSeconds = milliseconds / 1000
  const hours = Math.floor(totalSeconds / 3600)
  const minutes = Math.floor((totalSeconds % 3600) / 60)
  const seconds = Number((totalSeconds % 60).toFixed(9))
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`
}
