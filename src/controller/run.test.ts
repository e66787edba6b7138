import { expect, test } from 'vitest'
import type { ConfigMap } from '../api/generated/types.ts'
import { objectKey, type Stored } from '../api/object.ts'
import { configmaps } from '../api/refs.ts'
import { timeoutError } from '../api/status-error.ts'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import type { Client } from '../client/client.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { InformerStore } from '../client/informer-store.ts'
import { changed, type Plan } from './definition.ts'
import { defineController } from './run.ts'

type Step = { do: 'create'; name: string } | { do: 'say'; text: string }

const map = (name: string, revision: number): Stored<ConfigMap> =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'a', uid: name, resourceVersion: String(revision), creationTimestamp: '' } })

const turns = async () => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A server whose writes the informer sees only when the test says so. */
function stage(plan: (seen: readonly string[]) => Plan<Step>) {
  const clock = new FakeClock()
  const store = new InformerStore<ConfigMap>(() => {})
  const said: string[] = []
  const waiting: { revision: number; resolve: (reached: boolean) => void }[] = []
  const state = { revision: 1, written: 1, refreshed: 0, failing: undefined as Error | undefined }
  const informer: Informer<ConfigMap> = {
    synced: true, whenSynced: async () => {}, get revision() { return state.revision },
    reached: (revision) => (state.revision >= revision ? Promise.resolve(true) : new Promise((resolve) => void waiting.push({ revision, resolve }))),
    refresh: async () => void state.refreshed++,
    get: (name, namespace) => store.get(name, namespace), list: (namespace) => store.list(namespace), byIndex: (index, value) => store.byIndex(index, value), onChange: (listener) => store.subscribe(listener),
  }
  const resource = {
    async create(object: ConfigMap) {
      said.push(`create ${object.metadata?.name}`)
      if (state.failing) throw state.failing
      return map(object.metadata?.name ?? '', ++state.written)
    },
  }
  const show = (object: Stored<ConfigMap>) => {
    store.set(object)
    state.revision = Number(object.metadata.resourceVersion)
    for (const waiter of waiting.splice(0)) state.revision >= waiter.revision ? waiter.resolve(true) : waiting.push(waiter)
  }
  const controller = defineController({
    name: 'test', watches: ({ informer: of }) => ({ maps: of(configmaps) }), triggers: (world) => [changed(world.maps, () => 'all')],
    observe: (_key, world) => world.maps.list().map(objectKey), plan: (seen): Plan<Step> => (said.push(`plan ${seen.length}`), plan(seen)),
    executors: {
      create: async ({ name }, { client }) => void (await client.resource(configmaps, 'a').create({ metadata: { name } })),
      say: ({ text }) => void said.push(text),
    },
  })
  const stopping = new AbortController()
  const informers: InformerFactory = { informer: () => informer as never, stop: async () => {} }
  const running = controller.run({ informers, clock, log: silentLogger, random: () => 0, clientFor: () => ({ resource: () => resource }) as unknown as Client }, stopping.signal)
  return { said, show, state, clock, stop: async () => (stopping.abort(new Error('done')), waiting.forEach(({ resolve }) => resolve(false)), running) }
}

test('a key is not planned again before the informer shows what was written', async () => {
  const { said, show, stop } = stage((seen) => ({ steps: seen.length < 3 ? [{ do: 'create', name: `m${seen.length}` }] : [] }))
  show(map('m', 1))
  await turns()
  show({ ...map('m', 1), metadata: { ...map('m', 1).metadata, resourceVersion: '1.5' } })
  await turns()
  expect(said).toEqual(['plan 1', 'create m1'])
  show(map('m1', 2))
  await turns()
  expect(said).toEqual(['plan 1', 'create m1', 'plan 2', 'create m2'])
  await stop()
})

test('independent steps come in groups of 1, 2, 4, and stop at the first that fails; the last steps know of it; the key comes again', async () => {
  const { said, show, state, clock, stop } = stage(() => ({
    steps: [[1, 2, 3, 4, 5, 6, 7, 8].map((n): Step => ({ do: 'create', name: `${n}` })), { do: 'say', text: 'not reached' }],
    last: (failure) => [{ do: 'say', text: `last: ${failure?.message}` }],
  }))
  state.failing = new Error('no room')
  show(map('m', 1))
  await turns()
  expect(said).toEqual(['plan 1', 'create 1', 'last: no room'])
  clock.advance(1_000)
  await turns()
  expect(said.filter((line) => line === 'plan 1')).toHaveLength(2)
  await stop()
})

test('after a write of unknown outcome everything is read anew', async () => {
  const { show, state, stop } = stage(() => ({ steps: [{ do: 'create', name: 'x' }] }))
  state.failing = timeoutError('nobody knows')
  show(map('m', 1))
  await turns()
  expect(state.refreshed).toBe(1)
  await stop()
})
