// Events: the loose rules of core/v1, and the strict ones that events.k8s.io adds (source: pkg/apis/core/validation/events.go).
import { type FieldError, invalid, required } from '../../field-error.ts'
import type { CoreV1Event } from '../../generated/types.ts'
import { isDnsSubdomain } from '../../names.ts'
import { checked, type Findings, immutable, listed, qualifiedName } from '../common/validation/findings.ts'

function* limited(field: string, text: string | undefined, limit: number): Findings {
  if (!text) yield required(field)
  if (Buffer.byteLength(text ?? '') > limit) yield invalid(field, '', `can have at most ${limit} characters`)
}

const mismatch = (event: CoreV1Event) => invalid('involvedObject.namespace', event.involvedObject?.namespace ?? '', 'does not match event.namespace')

function* loose(event: CoreV1Event, controllerField: string): Findings {
  const own = event.metadata?.namespace ?? ''
  const theirs = event.involvedObject?.namespace ?? ''
  if (!event.eventTime) {
    const agrees = theirs === '' ? own === '' || own === 'default' : own === theirs
    if (!agrees) yield mismatch(event)
  } else {
    if (theirs === '' && own !== 'default' && own !== 'kube-system') yield mismatch(event)
    if (!event.reportingComponent) yield required(controllerField)
    yield* qualifiedName(controllerField, event.reportingComponent)
    yield* limited('reportingInstance', event.reportingInstance, 128)
    yield* limited('action', event.action, 128)
    yield* limited('reason', event.reason, 128)
    if (Buffer.byteLength(event.message ?? '') > 1024) yield invalid('message', '', 'can have at most 1024 characters')
  }
  yield* checked('namespace', own, isDnsSubdomain)
}

export const validateCoreEvent = (event: CoreV1Event): FieldError[] => [...loose(event, 'reportingComponent')]
export const validateEvent = (event: CoreV1Event): FieldError[] => [...loose(event, 'reportingController')]

function* series({ series: own }: CoreV1Event): Findings {
  if (!own) return
  if ((own.count ?? 0) < 2) yield invalid('series.count', '', 'should be at least 2')
  if (!own.lastObservedTime) yield required('series.lastObservedTime')
}

export const validateEventCreate = listed(function* (event: CoreV1Event): Findings {
  yield* series(event)
  if (!event.eventTime) yield required('eventTime')
  if (event.type !== 'Normal' && event.type !== 'Warning') yield invalid('type', '', `has invalid value: ${event.type ?? ''}`)
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count'] as const) if (event[field]) yield invalid(field, '', 'needs to be unset')
  if (event.source?.component || event.source?.host) yield invalid('source', '', 'needs to be unset')
})

const fixed = ['involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'type', 'action', 'related', 'reportingInstance'] as const

export const validateEventUpdate = listed(function* (draft: CoreV1Event, current: CoreV1Event): Findings {
  if (JSON.stringify(draft.series) !== JSON.stringify(current.series)) yield* series(draft)
  for (const field of fixed) yield* immutable(field, draft[field], current[field])
  yield* immutable('reportingController', draft.reportingComponent, current.reportingComponent)
  if (Date.parse(draft.eventTime ?? '') !== Date.parse(current.eventTime ?? '')) yield* immutable('eventTime', draft.eventTime, current.eventTime)
})
