// Values that are taken: those that objects hold, and those promised to a request under way. A promise that no object redeems runs out
// by itself, so that a request which fails later needs no undoing; the same owner may ask again for what it was promised.
import type { Clock } from '../../base/clock.ts'

const promiseMilliseconds = 60_000

export interface Reservations<V> {
  isTaken(value: V, owner: string): boolean
  /** @returns false when the value is taken. */
  reserve(value: V, owner: string): boolean
  /** An object holds the value (counted: two objects may), or no longer does. */
  hold(value: V): void
  release(value: V): void
}

export function createReservations<V>(clock: Clock): Reservations<V> {
  const held = new Map<V, number>()
  const promised = new Map<V, { owner: string; until: number }>()
  const isPromisedToOther = (value: V, owner: string) => {
    const promise = promised.get(value)
    return promise !== undefined && promise.owner !== owner && promise.until > clock.monotonic()
  }
  const isTaken = (value: V, owner: string) => held.has(value) || isPromisedToOther(value, owner)
  return {
    isTaken,
    reserve(value, owner) {
      if (isTaken(value, owner)) return false
      promised.set(value, { owner, until: clock.monotonic() + promiseMilliseconds })
      return true
    },
    hold(value) {
      promised.delete(value)
      held.set(value, (held.get(value) ?? 0) + 1)
    },
    release(value) {
      const count = (held.get(value) ?? 0) - 1
      if (count > 0) held.set(value, count)
      else held.delete(value)
    },
  }
}
