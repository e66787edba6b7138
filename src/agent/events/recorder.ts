// Events of the agent. A repeated one raises a count, many alike are combined, a chatty object is cut off (source: client-go tools/record).
// Recording never blocks and never fails: an event that cannot be written is logged and forgotten.
import { rfc3339, type Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { CoreV1Event, ObjectReference } from '../../api/generated/types.ts'
import { events } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'
import { containerFieldPath, type AgentPod, type PodContainer } from '../pod/types.ts'

export type EventType = 'Normal' | 'Warning'

export interface Recorder {
  pod(pod: AgentPod, type: EventType, reason: string, message: string): void
  container(pod: AgentPod, container: PodContainer, type: EventType, reason: string, message: string): void
  node(type: EventType, reason: string, message: string): void
  /** Resolves when what was recorded so far is written. */
  flush(): Promise<void>
}

export interface RecorderOptions {
  client: Client
  clock: Clock
  log: Logger
  nodeName: string
}

interface Known {
  name: string
  namespace: string
  count: number
}

const limits = { remembered: 4096, alike: 10, windowMilliseconds: 600_000, burst: 25, refillMilliseconds: 300_000, queued: 2000 }

export function createRecorder({ client, clock, log, nodeName }: RecorderOptions): Recorder {
  const known = new Map<string, Known>()
  const groups = new Map<string, { messages: Set<string>; since: number }>()
  const buckets = new Map<string, { tokens: number; at: number }>()
  let queued = 0
  let tail: Promise<void> = Promise.resolve()
  let serial = 0

  const record = (about: ObjectReference, type: EventType, reason: string, message: string) => {
    if (queued >= limits.queued || !allowed(`${about.kind}/${about.namespace}/${about.name}/${about.uid}`)) return
    queued++
    tail = tail.then(() => write(about, type, reason, message))
      .catch((error: Error) => log.warn('event not written', { reason, error }))
      .finally(() => queued--)
  }

  function allowed(object: string): boolean {
    const now = clock.monotonic()
    const bucket = buckets.get(object) ?? { tokens: limits.burst, at: now }
    bucket.tokens = Math.min(limits.burst, bucket.tokens + (now - bucket.at) / limits.refillMilliseconds)
    bucket.at = now
    remember(buckets, object, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  /** The message under which it is counted: its own, or the common one of many alike. */
  function combined(about: ObjectReference, type: EventType, reason: string, message: string): { key: string; message: string } {
    const now = clock.monotonic()
    const groupKey = [about.kind, about.namespace, about.name, about.uid, type, reason].join('\u0000')
    let group = groups.get(groupKey)
    if (!group || now - group.since > limits.windowMilliseconds) group = { messages: new Set(), since: now }
    remember(groups, groupKey, group)
    group.messages.add(message)
    if (group.messages.size < limits.alike) return { key: `${groupKey}\u0000${about.fieldPath}\u0000${message}`, message }
    return { key: groupKey, message: `(combined from similar events): ${message}` }
  }

  async function write(about: ObjectReference, type: EventType, reason: string, text: string): Promise<void> {
    const { key, message } = combined(about, type, reason, text)
    const time = rfc3339(clock.now())
    const before = known.get(key)
    if (before && (await raise(before, time, message))) return
    const namespace = about.namespace ?? 'default'
    const name = `${about.name}.${(BigInt(clock.now()) * 1_000_000n + BigInt(serial++ % 1_000_000)).toString(16)}`
    const event: CoreV1Event = {
      metadata: { name, namespace }, involvedObject: about, reason, message, type, count: 1, firstTimestamp: time, lastTimestamp: time,
      source: { component: 'kubelet', host: nodeName }, reportingComponent: 'kubelet', reportingInstance: nodeName,
    }
    await client.resource(events, namespace).create(event)
    remember(known, key, { name, namespace, count: 1 })
  }

  async function raise(entry: Known, lastTimestamp: string, message: string): Promise<boolean> {
    try {
      await client.resource(events, entry.namespace).patch(entry.name, { count: entry.count + 1, lastTimestamp, message }, { type: 'merge' })
      entry.count++
      return true
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return false
      throw error
    }
  }

  const podReference = ({ metadata }: AgentPod, fieldPath?: string): ObjectReference => ({
    kind: 'Pod', apiVersion: 'v1', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion, ...(fieldPath ? { fieldPath } : {}),
  })
  return {
    pod: (pod, type, reason, message) => record(podReference(pod), type, reason, message),
    container: (pod, container, type, reason, message) => record(podReference(pod, containerFieldPath(container)), type, reason, message),
    node: (type, reason, message) => record({ kind: 'Node', name: nodeName, uid: nodeName }, type, reason, message),
    flush: () => tail,
  }
}

/** Keeps the most recently used. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > limits.remembered) map.delete(map.keys().next().value!)
}
