// When, on the monotonic clock, this server last saw each node change something that only a living agent changes.
import type { Lease, Node } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { Clock } from '../../base/clock.ts'
import { gracePeriod, taintId } from './plan.ts'

/** A silence that comes to light later than this after it was too long: it was this server that slept (a stopped process, a machine that swaps), and nobody knows what it has missed. */
const lateness = 5000

export class SignsOfLife {
  readonly #lease = new Map<string, number>()
  readonly #status = new Map<string, { heartbeat: string; at: number }>()
  readonly #awake = new Map<string, number>()
  readonly #silent = new Set<string>()
  readonly #taints = new Map<string, Map<string, number>>()

  leaseSeen(lease: Stored<Lease>, clock: Clock): void {
    this.#lease.set(lease.metadata.name, clock.monotonic())
  }

  /** Milliseconds since the last sign. */
  silence(node: Stored<Node>, clock: Clock): number {
    const { name } = node.metadata
    const now = clock.monotonic()
    const heartbeat = (node.status?.conditions ?? []).filter((c) => c.status !== 'Unknown').map((c) => c.lastHeartbeatTime ?? '').sort().at(-1) ?? ''
    const known = this.#status.get(name)
    if (!known || (known.heartbeat !== heartbeat && heartbeat !== '')) this.#status.set(name, { heartbeat, at: now })
    const silence = now - Math.max(this.#status.get(name)!.at, this.#lease.get(name) ?? -Infinity, this.#awake.get(name) ?? -Infinity)
    if (silence < gracePeriod) this.#silent.delete(name)
    else if (!this.#silent.has(name) && silence > gracePeriod + lateness) {
      this.#awake.set(name, now)
      return 0
    } else this.#silent.add(name)
    return silence
  }

  taintAges(node: Stored<Node>, clock: Clock): ReadonlyMap<string, number> {
    const present = (node.spec?.taints ?? []).filter((t) => t.effect === 'NoExecute').map(taintId)
    const before = this.#taints.get(node.metadata.name)
    const since = new Map(present.map((id) => [id, before?.get(id) ?? clock.monotonic()]))
    this.#taints.set(node.metadata.name, since)
    return new Map([...since].map(([id, at]) => [id, clock.monotonic() - at]))
  }

  forget(name: string): undefined {
    for (const memory of [this.#lease, this.#status, this.#awake, this.#silent, this.#taints]) memory.delete(name)
  }
}
