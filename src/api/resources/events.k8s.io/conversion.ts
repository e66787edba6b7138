// Events of `events.k8s.io/v1` are core events under other names (source: pkg/apis/events/v1 conversions).
import type { CoreV1Event, EventsV1Event } from '../../generated/types.ts'

export function eventToStorage(event: EventsV1Event): CoreV1Event {
  const { note, regarding, deprecatedCount, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedSource, reportingController, series, metadata, apiVersion: _, ...same } = event
  return {
    ...same, metadata: metadata ?? {}, involvedObject: regarding ?? {},
    ...(note === undefined ? {} : { message: note }),
    source: deprecatedSource ?? {},
    ...(deprecatedFirstTimestamp ? { firstTimestamp: deprecatedFirstTimestamp } : {}),
    ...(deprecatedLastTimestamp ? { lastTimestamp: deprecatedLastTimestamp } : {}),
    ...(deprecatedCount ? { count: deprecatedCount } : {}),
    ...(series ? { series } : {}),
    reportingComponent: reportingController ?? '', reportingInstance: event.reportingInstance ?? '',
  }
}

export function eventFromStorage(event: CoreV1Event): EventsV1Event {
  const { message, involvedObject, count, firstTimestamp, lastTimestamp, source, reportingComponent, reportingInstance, series, apiVersion: _, ...same } = event
  return {
    ...same, eventTime: event.eventTime as string, regarding: involvedObject,
    ...(message === undefined ? {} : { note: message }),
    deprecatedSource: source ?? {},
    ...(firstTimestamp ? { deprecatedFirstTimestamp: firstTimestamp } : {}),
    ...(lastTimestamp ? { deprecatedLastTimestamp: lastTimestamp } : {}),
    ...(count ? { deprecatedCount: count } : {}),
    ...(series ? { series: { count: series.count ?? 0, lastObservedTime: series.lastObservedTime as string } } : {}),
    ...(reportingComponent ? { reportingController: reportingComponent } : {}),
    ...(reportingInstance ? { reportingInstance } : {}),
  }
}
