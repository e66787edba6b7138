// Waiting times that grow with every failure in a row, spread by chance so that many who fail together do not come back together.

interface BackOffOptions {
  initialMilliseconds: number
  maximumMilliseconds: number
  /** Default 2. */
  factor?: number
  /** How much of a waiting time is left to chance, 0 to 1; default 0.5: between once and one and a half times as long. */
  jitter?: number
  /** Between 0 and 1. */
  random(): number
}

export interface BackOff {
  /** The time to wait before the next attempt, in milliseconds. */
  next(): number
  /** After a success. */
  reset(): void
}

export function createBackOff(options: BackOffOptions): BackOff {
  const { initialMilliseconds, maximumMilliseconds, factor = 2, jitter = 0.5, random } = options
  let base = initialMilliseconds
  return {
    next() {
      const wait = base * (1 + jitter * random())
      base = Math.min(base * factor, maximumMilliseconds)
      return wait
    },
    reset() {
      base = initialMilliseconds
    },
  }
}
