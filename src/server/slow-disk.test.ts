// The whole API server on SQLite, on a disk whose syncs take 20 ms (an SD card): the same guarantees, and the event loop stays free.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { measureLoopDelay } from '../base/loop-delay.ts'
import { startSourceWorker } from '../storage-sqlite/source-worker.ts'
import { openSqliteStorage, type SqliteStorage } from '../storage-sqlite/sqlite-storage.ts'
import { startTestServer, type Json, type TestServer } from './testing/test-server.ts'

const syncMilliseconds = 20
let directory: string
let storage: SqliteStorage
let server: TestServer

async function start(): Promise<void> {
  storage = await openSqliteStorage({ path: join(directory, 'state.db'), startWorker: startSourceWorker, clock: systemClock, log: silentLogger, fsyncDelayMilliseconds: syncMilliseconds })
  server = await startTestServer({ storage })
}
async function stop(): Promise<void> {
  await server.close()
  await storage.close()
}
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-slow-disk-'))
  await start()
})
afterEach(async () => {
  await stop()
  rmSync(directory, { recursive: true })
})

const collection = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, text: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: text.repeat(200) } })

interface Told {
  type: string
  object: Json
}

/** Writers that create, change and delete their own objects. @returns the acknowledged revisions in order of each object. */
async function write(writers: number, rounds: number, prefix = 'w'): Promise<Map<string, string[]>> {
  const acknowledged = new Map<string, string[]>()
  await Promise.all(Array.from({ length: writers }, async (_, writer) => {
    for (let round = 0; round < rounds; round++) {
      const name = `${prefix}${writer}-${round}`
      const created = await server.request(`POST ${collection}`, { body: configMap(name, 'a') })
      expect(created.status).toBe(201)
      const changed = await server.request(`PUT ${collection}/${name}`, { body: configMap(name, 'b') })
      expect(changed.status).toBe(200)
      expect((await server.request(`GET ${collection}/${name}`)).body['metadata']!['resourceVersion']).toBe(changed.body['metadata']!['resourceVersion'])
      acknowledged.set(name, [created, changed].map(({ body }) => String(body['metadata']!['resourceVersion'])))
      if (round % 2 === 1) expect((await server.request(`DELETE ${collection}/${name}`)).status).toBe(200)
    }
  }))
  return acknowledged
}

it('shows each acknowledged write at once, to watches in order, and after a restart', { timeout: 60_000 }, async () => {
  const stopped = new AbortController()
  const { body } = await server.request(`GET ${collection}`)
  const told: Told[] = []
  const watching = (async () => {
    for await (const event of server.watch(`${collection}?watch=true&resourceVersion=${String(body['metadata']!['resourceVersion'])}`, { signal: stopped.signal })) told.push(event)
  })().catch(() => {})
  const acknowledged = await write(20, 4)
  await expect.poll(() => told.length, { timeout: 10_000 }).toBe(20 * 4 * 2 + 20 * 2)
  stopped.abort()
  await watching
  const revisions = told.map(({ object }) => Number(object['metadata']!['resourceVersion']))
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
  for (const [name, versions] of acknowledged) {
    const seen = told.filter(({ object }) => String(object['metadata']!['name']) === name && Number(object['metadata']!['resourceVersion']) <= Number(versions.at(-1)))
    expect(seen.map(({ object }) => String(object['metadata']!['resourceVersion']))).toEqual(versions)
  }

  const before = await server.request(`GET ${collection}`)
  await stop()
  await start()
  const after = await server.request(`GET ${collection}`)
  expect(after.body['items']).toEqual(before.body['items'])
  // Nothing was missed: a watch goes on. What lies before the restart is gone: it has to list again.
  const resumed = server.watch(`${collection}?watch=true&resourceVersion=${String(before.body['metadata']!['resourceVersion'])}`)
  const next = resumed.next()
  expect((await server.request(`POST ${collection}`, { body: configMap('later', 'c') })).status).toBe(201)
  expect(await next).toMatchObject({ value: { type: 'ADDED', object: { metadata: { name: 'later' } } } })
  await resumed.return(undefined)
  const expired = await server.watch(`${collection}?watch=true&resourceVersion=${revisions[0]}`).next()
  expect(expired).toMatchObject({ value: { type: 'ERROR', object: { code: 410, reason: 'Expired' } } })
})

it('keeps the event loop free under concurrent writes', { timeout: 60_000, retry: 2 }, async () => {
  await write(10, 1, 'warm')
  const delay = measureLoopDelay()
  const begun = performance.now()
  const acknowledged = await write(60, 6)
  // Many share a sync.
  expect((performance.now() - begun) / (acknowledged.size * 2)).toBeLessThan(syncMilliseconds)
  expect(delay.stop()).toBeLessThanOrEqual(50)
})
