// Keeps a noisy source from flooding the cluster with Events (source: k8s.io/client-go/tools/record `EventCorrelator`): the same event again
// counts up, ten that differ only in their message within ten minutes become one, and a source may send 25 about an object at once, then one
// every five minutes.
import type { CoreV1Event } from '../api/generated/types.ts'
import { rfc3339, type Clock } from '../base/clock.ts'
import { RecentMap } from '../base/recent-map.ts'

const capacity = 1024
const aggregateFrom = 10
const aggregateMilliseconds = 600_000
const burst = 25
const refillMilliseconds = 300_000

interface Seen {
  count: number
  firstTimestamp: string
  name: string
}

export interface Correlated {
  event: CoreV1Event
  /** There is an Event under this name already: it is patched. */
  known: boolean
  key: string
}

export class EventCorrelator {
  readonly #clock: Clock
  readonly #groups = new RecentMap<string, { messages: Set<string>; last: number }>(capacity)
  readonly #seen = new RecentMap<string, Seen>(capacity)
  readonly #allowances = new RecentMap<string, { tokens: number; at: number }>(capacity)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns undefined when nothing is to be sent. */
  correlate(event: CoreV1Event): Correlated | undefined {
    const { event: grouped, key } = this.#group(event)
    const before = this.#seen.get(key)
    const observed = before
      ? { ...grouped, metadata: { ...grouped.metadata, name: before.name }, firstTimestamp: before.firstTimestamp, count: before.count + 1 }
      : grouped
    this.remember(key, observed)
    return this.#allowed(sourceKey(event)) ? { event: observed, known: before !== undefined, key } : undefined
  }

  remember(key: string, event: CoreV1Event): void {
    this.#seen.set(key, { count: event.count ?? 1, firstTimestamp: event.firstTimestamp ?? '', name: event.metadata.name ?? '' })
  }

  #group(event: CoreV1Event): { event: CoreV1Event; key: string } {
    const groupKey = `${sourceKey(event)}\n${event.reason}`
    const now = this.#clock.monotonic()
    const known = this.#groups.get(groupKey)
    const group = known && now - known.last <= aggregateMilliseconds ? known : { messages: new Set<string>(), last: now }
    group.messages.add(event.message ?? '')
    group.last = now
    this.#groups.set(groupKey, group)
    if (group.messages.size < aggregateFrom) return { event, key: `${groupKey}\n${event.involvedObject.fieldPath}\n${event.message}` }
    group.messages.delete(group.messages.values().next().value!)
    return { event: { ...event, message: `(combined from similar events): ${event.message}` }, key: groupKey }
  }

  #allowed(key: string): boolean {
    const now = this.#clock.monotonic()
    const before = this.#allowances.get(key) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, before.tokens + (now - before.at) / refillMilliseconds)
    this.#allowances.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    return tokens >= 1
  }
}

const sourceKey = ({ source, involvedObject: about, type }: CoreV1Event): string =>
  [source?.component, source?.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion, type].join('\n')

/** A name as upstream makes them: the object's and a time in hexadecimal. */
export const eventName = (objectName: string, clock: Clock, unique: number): string =>
  `${objectName}.${(BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(unique % 1_000_000)).toString(16)}`

export const eventTime = (clock: Clock): string => rfc3339(clock.now())
