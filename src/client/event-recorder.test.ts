import { expect, test } from 'vitest'
import type { CoreV1Event } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'
import { FakeClock } from '../base/clock.ts'
import type { Client } from './client.ts'
import { createEventRecorder } from './event-recorder.ts'

const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'a', uid: 'u' } }

function recording() {
  const written = new Map<string, CoreV1Event>()
  const resource = {
    async create(event: CoreV1Event) {
      written.set(event.metadata.name!, event)
      return event
    },
    async patch(name: string, change: Partial<CoreV1Event>) {
      const event = { ...written.get(name)!, ...change }
      written.set(name, event)
      return event
    },
  }
  const clock = new FakeClock()
  const recorder = createEventRecorder({ client: { resource: () => resource } as unknown as Client, component: 'test', host: 'n1', clock })
  return { recorder, clock, events: async () => (await recorder.flush(), [...written.values()]) }
}

test('the same event again counts up, under one name', async () => {
  const { recorder, clock, events } = recording()
  for (let i = 0; i < 3; i++) {
    recorder.event(pod, 'Warning', 'BackOff', 'waiting', { fieldPath: 'spec.containers{c}' })
    clock.advance(1000)
  }
  expect(await events()).toMatchObject([{
    count: 3, type: 'Warning', reason: 'BackOff', message: 'waiting', firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:02Z',
    source: { component: 'test', host: 'n1' }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'a', uid: 'u', fieldPath: 'spec.containers{c}' }, metadata: { namespace: 'a' },
  }])
})

test('events that differ only in their message become one from the tenth on', async () => {
  const { recorder, events } = recording()
  for (let i = 1; i <= 12; i++) recorder.event(pod, 'Normal', 'Step', `step ${i}`)
  const all = await events()
  expect(all.map((event) => event.message).slice(8)).toEqual(['step 9', '(combined from similar events): step 12'])
  expect(all.at(-1)?.count).toBe(3)
})

test('a source may send 25 about an object, then one every five minutes', async () => {
  const { recorder, clock, events } = recording()
  for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', `Reason${i}`, 'x')
  expect(await events()).toHaveLength(25)
  clock.advance(300_000)
  for (let i = 40; i < 45; i++) recorder.event(pod, 'Normal', `Reason${i}`, 'x')
  expect(await events()).toHaveLength(26)
})
