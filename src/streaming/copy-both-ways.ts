import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Each direction ends by itself; an error of either ends both. */
export async function copyBothWays(one: Duplex, other: Duplex): Promise<void> {
  // Each pipeline listens several times on both ends.
  for (const end of [one, other]) {
    end.setMaxListeners(0)
    // A connection may still break when it has served its purpose.
    end.on('error', () => {})
  }
  await Promise.all([pipeline(one, other, { end: true }), pipeline(other, one, { end: true })])
}
