import type { CoreV1Event, EventsV1Event } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { validateEvent, validateEventCreate, validateEventUpdate } from '../core/event-validation.ts'
import { events as coreEvents } from '../core/events.ts'
import { eventFromStorage, eventToStorage } from './conversion.ts'

const renamed = (field: string) => (field === 'reportingComponent' ? 'reportingController' : field.replace('involvedObject.', 'regarding.'))

export const events = defineResource<CoreV1Event>({
  ...coreEvents,
  group: 'events.k8s.io',
  nameFormat: 'dns-subdomain',
  versions: [{
    name: 'v1', schema: 'io.k8s.api.events.v1.Event',
    toStorage: (object) => eventToStorage(object as EventsV1Event), fromStorage: eventFromStorage,
  }],
  validate: validateEvent,
  validateCreate: validateEventCreate,
  validateUpdate: validateEventUpdate,
  storedAs: { group: '', plural: 'events' },
  selectableFields: Object.fromEntries(Object.entries(coreEvents.selectableFields!).filter(([field]) => field !== 'source').map(([field, read]) => [renamed(field), read])),
})
