import type { CoreV1Event } from '../../generated/types.ts'
import { defineResource, type TableColumn } from '../../resource.ts'
import { nameColumn, text, wide } from '../common/columns.ts'
import { ageSince } from '../common/duration.ts'
import { v1 } from '../common/strategy.ts'
import { validateCoreEvent } from './event-validation.ts'

const firstSeen = (event: CoreV1Event, now: number) => ageSince(event.firstTimestamp ?? event.eventTime, now)

function lastSeen(event: CoreV1Event, now: number): string {
  if (event.series) return ageSince(event.series.lastObservedTime, now)
  return event.lastTimestamp ? ageSince(event.lastTimestamp, now) : firstSeen(event, now)
}

function target({ involvedObject: { kind = '', name } }: CoreV1Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function source(event: CoreV1Event): string {
  const component = event.source?.component || event.reportingComponent || ''
  const instance = event.source?.host || event.reportingInstance
  return instance ? `${component}, ${instance}` : component
}

const eventColumns: readonly TableColumn<CoreV1Event>[] = [
  text('Last Seen', lastSeen),
  text('Type', (event) => event.type ?? ''),
  text('Reason', (event) => event.reason ?? ''),
  text('Object', target),
  wide(text('Subobject', (event) => event.involvedObject.fieldPath ?? '')),
  wide(text('Source', source)),
  text('Message', (event) => (event.message ?? '').trim()),
  wide(text('First Seen', firstSeen)),
  wide(text('Count', (event) => event.series?.count ?? (event.count || 1))),
  wide(nameColumn),
]

export const events = defineResource<CoreV1Event>({
  group: '', kind: 'Event', plural: 'events', singular: 'event', shortNames: ['ev'], namespaced: true,
  ...v1('core', 'Event'),
  nameFormat: 'path-segment',
  generation: 'none',
  defaults(event) {
    event.source ??= {}
    event.reportingComponent ??= ''
    event.reportingInstance ??= ''
  },
  allowCreateOnUpdate: true,
  timeToLiveSeconds: 3600,
  lazy: () => true,
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
  validate: validateCoreEvent,
  columns: eventColumns,
})
