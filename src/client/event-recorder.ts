// Tells users what happened to an object, as core/v1 Events. Never fails and never waits: an Event that cannot be written is dropped.
import { events } from '../api/refs.ts'
import type { CoreV1Event, ObjectReference } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'
import { StatusError, isNotFound } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Client } from './client.ts'
import { EventCorrelator, eventName, eventTime, type Correlated } from './event-correlator.ts'

interface EventRecorderOptions {
  client: Client
  /** As in `deployment-controller`. */
  component: string
  /** The node's name, where the component belongs to one. */
  host?: string
  clock: Clock
  log?: Logger
}

interface EventExtras {
  /** The part of the object, as in `spec.containers{web}`. */
  fieldPath?: string
  annotations?: Record<string, string>
}

export type EventType = 'Normal' | 'Warning'

export interface EventRecorder {
  /** `about` needs apiVersion and kind, as objects from client and informers have them. */
  event(about: KubeObject, type: EventType, reason: string, message: string, extras?: EventExtras): void
  /** For what is no object, or not at hand. */
  eventFor(about: ObjectReference, type: EventType, reason: string, message: string, extras?: EventExtras): void
  /** Resolves when everything recorded so far was sent or dropped. */
  flush(): Promise<void>
}

const attempts = 3
const waitingMost = 1000
const messageBytes = 1024

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, component, host, clock, log } = options
  const correlator = new EventCorrelator(clock)
  let unique = Math.floor(clock.monotonic() * 1000)
  let waiting = 0
  let sending: Promise<void> = Promise.resolve()

  const send = async ({ event, known, key }: Correlated): Promise<void> => {
    const of = client.resource(events, event.metadata.namespace)
    const name = event.metadata.name ?? ''
    const create = async () => {
      const { resourceVersion: _, ...metadata } = event.metadata
      return of.create({ ...event, metadata })
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const { count, lastTimestamp, message } = event
        const written = known ? await of.patch(name, { count, lastTimestamp, message }, { type: 'strategic' }).catch(onlyIfMissing(create)) : await create()
        return correlator.remember(key, written)
      } catch (error) {
        const refused = error instanceof StatusError && error.code < 500 && error.code !== 429
        if (!refused && attempt < attempts) continue
        return log?.[isGoing(error) ? 'debug' : 'warn']('an Event was not written', { error, reason: event.reason, about: event.involvedObject.name })
      }
    }
  }

  const record: EventRecorder['eventFor'] = (about, type, reason, message, extras = {}) => {
    const time = eventTime(clock)
    const { fieldPath, annotations } = extras
    const correlated = correlator.correlate({
      metadata: { name: eventName(about.name ?? '', clock, unique++), namespace: about.namespace || 'default', ...(annotations ? { annotations } : {}) },
      involvedObject: { ...about, ...(fieldPath ? { fieldPath } : {}) },
      reason, message: shortened(message), type, count: 1, firstTimestamp: time, lastTimestamp: time,
      source: { component, ...(host ? { host } : {}) }, reportingComponent: component, reportingInstance: host ?? '',
    })
    if (!correlated || waiting >= waitingMost) return
    waiting++
    sending = sending.then(() => send(correlated)).finally(() => waiting--)
  }

  return {
    event: (about, type, reason, message, extras) => record(referenceTo(about), type, reason, message, extras),
    eventFor: record,
    flush: () => sending,
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata ?? {}
  return { kind, ...(namespace ? { namespace } : {}), name, uid, apiVersion, resourceVersion }
}

const onlyIfMissing = (create: () => Promise<CoreV1Event>) => (error: unknown): Promise<CoreV1Event> => {
  if (isNotFound(error)) return create()
  throw error
}

/** Cut at a character, so that it stays valid text. */
function shortened(message: string): string {
  const bytes = Buffer.from(message)
  return bytes.length <= messageBytes ? message : bytes.subarray(0, messageBytes).toString('utf8').replace(/\uFFFD+$/, '')
}

/** Nothing can be written into a namespace that is going away. */
const isGoing = (error: unknown): boolean =>
  error instanceof StatusError && (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
