// Wall time with a memory of its jumps. Each stretch between two jumps is an era; a time that somebody wrote down was written in one of them, or
// before this process began, which may be told of jumps by an earlier one. Which one is not always certain: then the reading counts by which the least time has passed.

/** The wall clock showed `before`, and `after` in the same instant. */
export interface Jump {
  before: number
  after: number
}

interface Sources {
  wall(): number
  monotonic(): number
}

/** No clock that is right shows less: mk8s was written later. A machine without a battery-backed clock boots with less. */
export const earliestBelievable = Date.UTC(2026, 0, 1)

/** Less is the slow correction of time daemons and the time between two readings. */
const smallestJump = 1000
const mostEras = 32
/** Clocks of several machines differ, and times are rounded: what seems to lie so little ahead is new. */
const skew = 5000

export class WallTime {
  readonly #sources: Sources
  readonly #began: number
  /** Ends of earlier eras, on both clocks; the newest last. */
  readonly #ends: { wall: number; monotonic: number }[] = []
  readonly #listeners = new Set<(jump: Jump) => void>()
  /** Wall minus monotonic time, as last read. */
  #offset: number

  constructor(sources: Sources) {
    this.#sources = sources
    this.#began = sources.monotonic()
    this.#offset = sources.wall() - this.#began
  }

  now(): number {
    const wall = this.#sources.wall()
    const monotonic = this.#sources.monotonic()
    const by = wall - monotonic - this.#offset
    this.#offset += by
    if (Math.abs(by) >= smallestJump) this.#jumped({ before: wall - by, after: wall }, monotonic)
    return wall
  }

  since(wall: number): number {
    const now = { wall: this.now(), monotonic: this.#sources.monotonic() }
    const readings = [...this.#ends, now].filter((end) => wall <= end.wall && (wall >= earliestBelievable || end.wall < earliestBelievable))
    if (readings.length > 0) return Math.min(...readings.map((end) => now.monotonic - end.monotonic + end.wall - wall))
    if (wall > now.wall && wall <= now.wall + skew) return 0
    // written by an earlier process, whose clock nobody knows
    return now.monotonic - this.#began
  }

  /**
   * Takes out jumps from before this process, oldest first, the last of them perhaps at its very beginning. Between them, and from the last to now, the wall
   * clock counts as it was.
   */
  recall(jumps: readonly Jump[]): void {
    let wall = this.now()
    let monotonic = this.#sources.monotonic()
    for (const { before, after } of jumps.toReversed()) {
      monotonic -= Math.max(0, wall - after)
      wall = before
      this.#ends.unshift({ wall, monotonic })
    }
  }

  onJump(listener: (jump: Jump) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #jumped(jump: Jump, monotonic: number): void {
    this.#ends.push({ wall: jump.before, monotonic })
    if (this.#ends.length > mostEras) this.#ends.shift()
    // whoever has just asked for the time shall not be surprised by what others do about it
    for (const listener of this.#listeners) queueMicrotask(() => listener(jump))
  }
}
