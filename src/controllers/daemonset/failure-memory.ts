// How long a daemon that fails again and again on a node is left alone: a second, doubled up to 15 minutes.
import type { DaemonSet } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { RecentMap } from '../../base/recent-map.ts'

const firstMilliseconds = 1_000
const longestMilliseconds = 900_000
const capacity = 1_000

export class FailureMemory {
  readonly #failures = new RecentMap<string, { wait: number; at: number }>(capacity)

  /** @param now monotonic milliseconds */
  note(set: Stored<DaemonSet>, node: string, now: number): void {
    const before = this.#failures.get(keyOf(set, node))
    const forgotten = !before || now - before.at > 2 * longestMilliseconds
    this.#failures.set(keyOf(set, node), { wait: forgotten ? firstMilliseconds : Math.min(before.wait * 2, longestMilliseconds), at: now })
  }

  /** Milliseconds to wait before the next pod. */
  remaining(set: Stored<DaemonSet>, node: string, now: number): number {
    const failure = this.#failures.get(keyOf(set, node))
    return failure ? Math.max(0, failure.at + failure.wait - now) : 0
  }
}

const keyOf = (set: Stored<DaemonSet>, node: string): string => `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${node}`
