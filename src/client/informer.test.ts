import { expect, test } from 'vitest'
import type { WatchEvent } from '../api/exchange.ts'
import type { ConfigMap } from '../api/generated/types.ts'
import type { Stored } from '../api/object.ts'
import { configmaps } from '../api/refs.ts'
import { badRequestError, expiredError } from '../api/status-error.ts'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import type { Client, ListOptions, ResourceClient, WatchOptions } from './client.ts'
import { createInformerFactory } from './informer-factory.ts'

type Event = WatchEvent<Stored<ConfigMap>>

const map = (name: string, revision: number, data: Record<string, string> = {}): Stored<ConfigMap> => ({
  apiVersion: 'v1', kind: 'ConfigMap', data,
  metadata: { name, namespace: 'a', uid: `uid-${name}`, resourceVersion: String(revision), creationTimestamp: '2026-01-01T00:00:00Z' },
})

const bookmark = (revision: number, end = false): Event => ({
  type: 'BOOKMARK', object: { ...map('', revision), metadata: { ...map('', revision).metadata, annotations: end ? { 'k8s.io/initial-events-end': 'true' } : {} } },
})

/** A server whose watches a test feeds by hand. */
function scriptedServer(options: { refuseWatchList?: boolean; items?: Stored<ConfigMap>[] } = {}) {
  const watches: { options: WatchOptions; push(event: Event): void; end(error?: Error): void }[] = []
  const waiting: (() => void)[] = []
  const lists: ListOptions[] = []
  const resource: Partial<ResourceClient<ConfigMap>> = {
    async list(query = {}) {
      lists.push(query)
      return { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '50' }, items: options.items ?? [] }
    },
    async *watch(query) {
      if (query.sendInitialEvents && options.refuseWatchList) throw badRequestError('sendInitialEvents is forbidden')
      const events: (Event | Error | undefined)[] = []
      let wake = () => {}
      const add = (event: Event | Error | undefined) => (events.push(event), wake())
      watches.push({ options: query, push: add, end: add })
      for (const resolve of waiting.splice(0)) resolve()
      query.signal.addEventListener('abort', () => add(undefined))
      for (;;) {
        while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
        const next = events.shift()
        if (next instanceof Error) throw next
        if (!next) return
        yield next
      }
    },
  }
  return {
    client: { resource: () => resource } as unknown as Client, lists, watches,
    async watch(index: number) {
      while (!watches[index]) await new Promise<void>((resolve) => waiting.push(resolve))
      return watches[index]
    },
  }
}

const start = (server: ReturnType<typeof scriptedServer>) => {
  const clock = new FakeClock()
  const factory = createInformerFactory({ client: server.client, clock, log: silentLogger, random: () => 0 })
  const informer = factory.informer<ConfigMap>(configmaps, { indexes: { colour: (m) => [m.data?.['colour'] ?? ''] } })
  return { clock, factory, informer }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('knows nothing before the initial events are complete, then follows additions, changes and deletions', async () => {
  const server = scriptedServer()
  const { informer, factory } = start(server)
  const watch = await server.watch(0)
  const seen: string[] = []
  informer.onChange((before, now) => seen.push(`${before?.metadata.resourceVersion ?? '-'}>${now?.metadata.resourceVersion ?? '-'}`))
  expect(watch.options).toMatchObject({ sendInitialEvents: true, allowWatchBookmarks: true })
  watch.push({ type: 'ADDED', object: map('x', 3, { colour: 'red' }) })
  await turn()
  expect([informer.synced, informer.list()]).toEqual([false, []])
  watch.push(bookmark(7, true))
  await informer.whenSynced()
  expect(informer.revision).toBe(7)
  watch.push({ type: 'MODIFIED', object: map('x', 8, { colour: 'blue' }) })
  expect(await informer.reached(8, 1000)).toBe(true)
  expect(informer.byIndex('colour', 'red')).toEqual([])
  expect(informer.byIndex('colour', 'blue').map((m) => m.metadata.name)).toEqual(['x'])
  watch.push({ type: 'DELETED', object: map('x', 9, { colour: 'blue' }) })
  watch.push(bookmark(12))
  expect(await informer.reached(12, 1000)).toBe(true)
  expect(informer.list()).toEqual([])
  expect(seen).toEqual(['->3', '3>8', '9>-'])
  await factory.stop()
})

test('goes on where a broken watch ended, and starts anew when that is too old', async () => {
  const server = scriptedServer()
  const { informer, factory, clock } = start(server)
  const first = await server.watch(0)
  first.push({ type: 'ADDED', object: map('x', 3) })
  first.push(bookmark(7, true))
  await informer.whenSynced()
  first.end(new Error('reset'))
  await turn()
  clock.advance(10_000)
  const second = await server.watch(1)
  expect(second.options).toMatchObject({ resourceVersion: '7' })
  expect(second.options.sendInitialEvents).toBeUndefined()
  second.push({ type: 'ERROR', object: expiredError('too old resource version: 7 (9)').status as unknown as Stored<ConfigMap> })
  await turn()
  clock.advance(10_000)
  const third = await server.watch(2)
  expect(third.options.sendInitialEvents).toBe(true)
  const removed: string[] = []
  informer.onChange((before, now) => before && !now && removed.push(before.metadata.name))
  third.push(bookmark(20, true))
  await informer.reached(20, 1000)
  expect(removed).toEqual(['x'])
  await factory.stop()
})

test('lists and watches where the server does not send initial events', async () => {
  const server = scriptedServer({ refuseWatchList: true, items: [map('x', 3)] })
  const { informer, factory, clock } = start(server)
  await turn()
  clock.advance(10_000)
  const watch = await server.watch(0)
  expect(watch.options.resourceVersion).toBe('50')
  expect(informer.list()).toHaveLength(1)
  await factory.stop()
})

test('a refresh reads everything anew, and a revision not reached in time is reported', async () => {
  const server = scriptedServer()
  const { informer, factory, clock } = start(server)
  ;(await server.watch(0)).push(bookmark(7, true))
  await informer.whenSynced()
  const late = informer.reached(8, 500)
  clock.advance(500)
  expect(await late).toBe(false)
  const refreshed = informer.refresh()
  const again = await server.watch(1)
  again.push({ type: 'ADDED', object: map('y', 9) })
  again.push(bookmark(9, true))
  await refreshed
  expect(informer.get('y', 'a')).toBeDefined()
  await factory.stop()
  await expect(createInformerFactory({ client: server.client, clock, log: silentLogger }).stop()).resolves.toBeUndefined()
})
