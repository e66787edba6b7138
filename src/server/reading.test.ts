// Lists, tables and watches.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type Json, type TestServer } from './testing/test-server.ts'

let api: TestServer
const configMaps = '/api/v1/namespaces/t/configmaps'
const pods = '/api/v1/namespaces/t/pods'
const merge = 'application/merge-patch+json'
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
const create = (name: string, more: object = {}) => api.request(`POST ${configMaps}`, { body: { metadata: { name, ...more } } })
const names = (list: Json) => (list.items as unknown as Json[]).map((item) => item.metadata!.name)

beforeAll(async () => {
  api = await startTestServer()
  await api.request('POST /api/v1/namespaces', { body: { metadata: { name: 't' } } })
  for (const [name, labels] of [['a', { x: '1' }], ['b', { x: '2' }], ['c', {}], ['d', { x: '1' }]] as const) await create(name, { labels })
})
afterAll(() => api.close())

describe('lists', () => {
  it('select', async () => {
    expect(names((await api.request(`GET ${configMaps}?labelSelector=x%3D1`)).body)).toEqual(['a', 'd'])
    expect(names((await api.request(`GET ${configMaps}?labelSelector=x`)).body)).toEqual(['a', 'b', 'd'])
    expect(names((await api.request(`GET ${configMaps}?fieldSelector=metadata.name!%3Da,metadata.namespace%3Dt`)).body)).toEqual(['b', 'c', 'd'])
  })

  it('come in pages of one revision', async () => {
    const first = (await api.request(`GET ${configMaps}?limit=3`)).body
    expect(first.metadata).toMatchObject({ remainingItemCount: 1, continue: expect.any(String) })
    await create('aa')
    const second = (await api.request(`GET ${configMaps}?limit=3&continue=${encodeURIComponent(String(first.metadata!.continue))}`)).body
    expect([...names(first), ...names(second)]).toEqual(['a', 'b', 'c', 'd'])
    expect(second.metadata).toEqual({ resourceVersion: first.metadata!.resourceVersion })
    const exact = (await api.request(`GET ${configMaps}?resourceVersion=${first.metadata!.resourceVersion}&resourceVersionMatch=Exact`)).body
    expect(names(exact)).toEqual(['a', 'b', 'c', 'd'])
    await api.request(`DELETE ${configMaps}/aa`)
  })

  it('leave out the kind of items, as upstream does', async () => {
    const item = ((await api.request(`GET ${configMaps}`)).body.items as unknown as Json[])[0]!
    expect(item.kind).toBeUndefined()
    expect(item.metadata).toMatchObject({ name: 'a', resourceVersion: expect.any(String) })
  })

  it('are tables for kubectl', async () => {
    const { body } = await api.request(`GET ${configMaps}`, { headers: table })
    expect(body).toMatchObject({
      kind: 'Table', apiVersion: 'meta.k8s.io/v1', columnDefinitions: [{ name: 'Name', type: 'string', format: 'name' }, { name: 'Data' }, { name: 'Age' }],
    })
    expect((body.rows as unknown as Json[])[0]).toMatchObject({ cells: ['a', 0, expect.any(String)], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } })
  })

  it.each([
    [configMaps, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)'],
    [`${configMaps}/a`, 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)'],
    [configMaps, 'text/plain', '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml'],
  ])('%s as %s is not acceptable', async (path, accept, message) => {
    expect((await api.request(`GET ${path}`, { headers: { accept } })).body).toMatchObject({ code: 406, reason: 'NotAcceptable', message })
  })

  it('of ten thousand pods do not hold up the event loop, plain, compressed and as a table', async () => {
    const value = { spec: { containers: [{ name: 'c', image: 'i', env: Array.from({ length: 20 }, (_, i) => ({ name: `VARIABLE_${i}`, value: 'x'.repeat(40) })) }] } }
    const numbers = Array.from({ length: 10_000 }, (_, i) => i)
    for (let i = 0; i < numbers.length; i += 100) {
      await Promise.all(numbers.slice(i, i + 100).map((n) => api.request(`POST ${pods}`, { body: { metadata: { name: `p${n}` }, ...value } })))
    }
    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    for (const headers of [{}, { 'accept-encoding': 'gzip' }, table] as Record<string, string>[]) {
      const { body } = await api.server.handle({
        method: 'GET', path: pods, query: new URLSearchParams(), headers, user: { name: 'x', groups: [] }, signal: new AbortController().signal,
      })
      if (body.kind !== 'stream') throw new Error('not streamed')
      const chunks: Buffer[] = []
      for await (const chunk of body.chunks) {
        expect(chunk.length).toBeLessThanOrEqual(256 * 1024)
        chunks.push(chunk)
      }
      const bytes = Buffer.concat(chunks)
      expect((headers['accept-encoding'] ? gunzipSync(bytes) : bytes).length).toBeGreaterThan(1_000_000)
    }
    histogram.disable()
    // The machine may be busy, which the highest values show; a loop that is held up by every slice shows in the middle ones.
    expect(histogram.percentile(90) / 1e6).toBeLessThan(50)
  }, 120_000)
})

describe('watches', () => {
  const collect = async (events: AsyncGenerator<{ type: string; object: Json }>, count: number) => {
    const seen: [string, string][] = []
    for await (const { type, object } of events) {
      seen.push([type, String(object.metadata?.name ?? object.metadata?.annotations?.['k8s.io/initial-events-end'] ?? object.reason)])
      if (seen.length === count) break
    }
    return seen
  }

  it('begin with what is there, and mark its end', async () => {
    const watch = api.watch(`${configMaps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
    expect(await collect(watch, 5)).toEqual([['ADDED', 'a'], ['ADDED', 'b'], ['ADDED', 'c'], ['ADDED', 'd'], ['BOOKMARK', 'true']])
  })

  it('follow what enters and leaves the selection', async () => {
    const { body } = await api.request(`GET ${configMaps}`)
    const watch = collect(api.watch(`${configMaps}?watch=1&labelSelector=in%3Dyes&resourceVersion=${body.metadata!.resourceVersion}`), 3)
    await create('moving')
    for (const value of ['yes', 'no', 'yes']) await api.request(`PATCH ${configMaps}/moving`, { body: { metadata: { labels: { in: value } } }, contentType: merge })
    expect(await watch).toEqual([['ADDED', 'moving'], ['DELETED', 'moving'], ['ADDED', 'moving']])
    await api.request(`DELETE ${configMaps}/moving`)
  })

  it('name the columns in the first table only', async () => {
    const tables: Json[] = []
    for await (const { object } of api.watch(`${configMaps}?watch=1`, { headers: table })) if (tables.push(object) === 2) break
    expect(tables.map((t) => (t.columnDefinitions as unknown as Json[]).length)).toEqual([3, 0])
    expect((tables[1]!.rows as unknown as Json[])[0]!.object!.metadata!.name).toBe('b')
  })

  it('answer a revision that is too old with an ERROR event', async () => {
    for await (const { type, object } of api.watch(`${configMaps}?watch=1&resourceVersion=1`)) {
      if (type === 'ERROR') expect(object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' })
      break
    }
  })

  it('end by their timeout', async () => {
    const seen = await collect(api.watch(`${configMaps}?watch=1&timeoutSeconds=1`), Infinity)
    expect(seen.map(([, name]) => name)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('have the older form of path', async () => {
    expect(await collect(api.watch('/api/v1/watch/namespaces/t/configmaps/b'), 1)).toEqual([['ADDED', 'b']])
  })
})
