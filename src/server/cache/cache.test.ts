import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import type { KubeObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import { MemoryStorage } from '../../storage/memory.ts'
import { openCache } from './cache.ts'
import type { Cache, Entry, ListQuery, Watch, WatchQuery } from './types.ts'

const pods = {
  prefix: 'pods/',
  indexOf: (_key: string, object: KubeObject) => ({ labels: object.metadata?.labels }),
}
const pod = (name: string, labels: Record<string, string> = {}) => Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels } }))
const names = (entries: readonly Entry[]) => entries.map((e) => e.key)
const labelled = (value: string) => (entry: Entry) => entry.index.labels?.['app'] === value

let clock: FakeClock
let storage: MemoryStorage
let cache: Cache
const ending = new AbortController()

const open = (options: { maxBytes?: number; budgetBytes?: number } = {}) =>
  openCache({ storage, clock, log: silentLogger, collections: [pods], window: { maxAgeMilliseconds: 300_000, maxBytes: options.maxBytes ?? 1 << 20 }, budgetBytes: options.budgetBytes })

beforeEach(async () => {
  clock = new FakeClock()
  storage = new MemoryStorage({ clock, firstRevision: 100 })
  cache = await open()
})
afterEach(() => cache.stop())

const create = (key: string, labels?: Record<string, string>) => cache.create(key, { value: pod(key.split('/').at(-1)!, labels) })
const relabel = (entry: Entry, labels: Record<string, string>) => cache.update(entry.key, { value: pod(entry.key.split('/').at(-1)!, labels) }, entry.revision)
const refusal = async (promise: Promise<unknown>): Promise<StatusError> => {
  const error = await promise.then(() => expect.fail('should have been refused'), (e: unknown) => e)
  expect(error).toBeInstanceOf(StatusError)
  return error as StatusError
}
const watch = (query: Partial<WatchQuery> = {}) => cache.watch({ scope: 'pods/', signal: ending.signal, ...query })

/** The next `count` events, as text. */
async function events(watcher: Watch, count: number): Promise<string[]> {
  const seen: string[] = []
  const iterator = watcher[Symbol.asyncIterator]()
  while (seen.length < count) {
    const { value, done } = await iterator.next()
    if (done) break
    for (const event of value.events) {
      seen.push(event.type === 'BOOKMARK' ? `BOOKMARK ${event.revision}${event.initialEventsEnd ? ' end' : ''}` : `${event.type} ${event.entry.key} ${event.entry.revision}`)
    }
  }
  return seen
}

describe('entries', () => {
  it('are frozen, carry their revision and are shared', async () => {
    const entry = await create('pods/a/web', { app: 'x' })
    const object = cache.get('pods/a/web')!.object()
    expect(object.metadata.resourceVersion).toBe(String(entry.revision))
    expect(Object.isFrozen(object.metadata.labels)).toBe(true)
    expect(cache.get('pods/a/web')!.object()).toBe(object)
    expect(entry.index.labels).toEqual({ app: 'x' })
  })

  it('are taken from the writer where it has the object already', async () => {
    const value = pod('web')
    const object = JSON.parse(value.toString()) as KubeObject
    const entry = await cache.create('pods/a/web', { value, object })
    expect(entry.object()).toBe(object)
  })

  it('remember served bytes until the budget is used up', async () => {
    cache.stop()
    cache = await open({ budgetBytes: 1000 })
    const entry = await create('pods/a/web')
    let made = 0
    const serve = () => entry.served('v1', () => (made++, Buffer.alloc(600)))
    serve()
    serve()
    expect(made).toBe(1)
    const other = await create('pods/a/other')
    other.served('v1', () => Buffer.alloc(600))
    serve()
    expect(made).toBe(2)
    cache.forget()
    serve()
    expect(made).toBe(3)
    expect(entry.object().metadata.name).toBe('web')
  })

  it('are there after a restart, indexed also when their collection is declared later', async () => {
    await create('pods/a/web', { app: 'x' })
    const again = await openCache({ storage, clock, log: silentLogger })
    expect(again.get('pods/a/web')!.index).toEqual({})
    again.register(pods)
    expect(again.get('pods/a/web')!.index.labels).toEqual({ app: 'x' })
    again.stop()
  })

  it('show a deletion under its own revision with the last value', async () => {
    const entry = await create('pods/a/web')
    const deleted = await cache.delete(entry.key, entry.revision)
    expect(deleted.revision).toBe(entry.revision + 1)
    expect(deleted.object().metadata).toMatchObject({ name: 'web', resourceVersion: String(deleted.revision) })
    expect(cache.get(entry.key)).toBeUndefined()
  })
})

describe('lists', () => {
  const list = (query: Partial<ListQuery> = {}) => cache.list({ scope: 'pods/', ...query })

  it('take a scope, a selection, and come in key order', async () => {
    for (const key of ['pods/b/1', 'pods/a/2', 'pods/a/1', 'pods/ab/1', 'podtemplates/a/1']) await create(key, { app: key.slice(-1) })
    expect(names((await list()).entries)).toEqual(['pods/a/1', 'pods/a/2', 'pods/ab/1', 'pods/b/1'])
    expect(names((await list({ scope: 'pods/a/' })).entries)).toEqual(['pods/a/1', 'pods/a/2'])
    expect(names((await list({ scope: 'pods/a/2' })).entries)).toEqual(['pods/a/2'])
    expect(names((await list({ selection: labelled('1') })).entries)).toEqual(['pods/a/1', 'pods/ab/1', 'pods/b/1'])
    expect(cache.count('pods/a/')).toBe(2)
  })

  it('go on page by page in the state of the first page', async () => {
    const first = []
    for (let i = 0; i < 7; i++) first.push(await create(`pods/a/${i}`))
    const one = await list({ limit: 3 })
    expect([names(one.entries), one.remaining, one.revision]).toEqual([['pods/a/0', 'pods/a/1', 'pods/a/2'], 4, 107])
    await cache.delete('pods/a/4', first[4]!.revision)
    await relabel(first[5]!, { app: 'new' })
    await create('pods/a/9')
    const two = await list({ limit: 3, continue: one.continue })
    expect([names(two.entries), two.remaining, two.revision]).toEqual([['pods/a/3', 'pods/a/4', 'pods/a/5'], 1, 107])
    expect(two.entries[2]!.index.labels).toEqual({})
    const three = await list({ limit: 3, continue: two.continue })
    expect([names(three.entries), three.continue]).toEqual([['pods/a/6'], undefined])
    expect((await list()).entries).toHaveLength(7)
  })

  it('at an exact revision are made again from the past', async () => {
    const a = await create('pods/a/1')
    const b = await create('pods/a/2')
    await cache.delete(a.key, a.revision)
    const c = await relabel(b, { app: 'new' })
    const exactly = async (revision: number) => names((await list({ resourceVersion: String(revision), resourceVersionMatch: 'Exact' })).entries)
    expect(await Promise.all([100, a.revision, b.revision, b.revision + 1, c.revision].map(exactly))).toEqual([
      [], ['pods/a/1'], ['pods/a/1', 'pods/a/2'], ['pods/a/2'], ['pods/a/2'],
    ])
    expect(await refusal(list({ resourceVersion: '99', resourceVersionMatch: 'Exact' }))).toMatchObject({ code: 410, reason: 'Expired' })
  })

  it('of an expired page are refused with a token that goes on in the newest state', async () => {
    for (let i = 0; i < 4; i++) await create(`pods/a/${i}`)
    const one = await list({ limit: 2 })
    clock.advance(31_000)
    await create('pods/a/9')
    clock.advance(301_000)
    const error = await refusal(list({ limit: 2, continue: one.continue }))
    expect(error).toMatchObject({ code: 410, reason: 'Expired' })
    const inconsistent = error.status.metadata!.continue
    const rest = await list({ limit: 2, continue: inconsistent })
    expect([names(rest.entries), rest.revision]).toEqual([['pods/a/2', 'pods/a/3'], cache.revision])
    expect(names((await list({ limit: 2, continue: rest.continue })).entries)).toEqual(['pods/a/9'])
  })

  it('wait for a revision, and give up after three seconds', async () => {
    const waiting = list({ resourceVersion: '101' })
    await create('pods/a/1')
    expect((await waiting).entries).toHaveLength(1)
    const never = refusal(list({ resourceVersion: '1000', resourceVersionMatch: 'NotOlderThan' }))
    clock.advance(3_000)
    expect((await never).status).toMatchObject({
      code: 504, reason: 'Timeout', message: 'Timeout: Too large resource version: 1000, current: 101',
      details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
    })
  })

  it('refuse nonsense', async () => {
    for (const query of [{ continue: 'x' }, { continue: Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}').toString('base64url') }, { resourceVersion: '-1' }]) {
      expect((await refusal(list(query))).code).toBe(400)
    }
  })
})

describe('watches', () => {
  it('from a revision carry all that came after it', async () => {
    const a = await create('pods/a/1')
    const b = await relabel(a, { app: 'x' })
    const watcher = watch({ resourceVersion: String(a.revision) })
    const seen = events(watcher, 3)
    await create('pods/b/1')
    await cache.delete(b.key, b.revision)
    expect(await seen).toEqual(['MODIFIED pods/a/1 102', 'ADDED pods/b/1 103', 'DELETED pods/a/1 104'])
  })

  it('without a revision begin with the state, and with its end where that is asked for', async () => {
    await create('pods/a/1')
    await create('pods/a/2')
    expect(await events(watch(), 2)).toEqual(['ADDED pods/a/1 101', 'ADDED pods/a/2 102'])
    const listing = watch({ sendInitialEvents: true, allowWatchBookmarks: true })
    expect(await events(listing, 3)).toEqual(['ADDED pods/a/1 101', 'ADDED pods/a/2 102', 'BOOKMARK 102 end'])
    await create('pods/a/3')
    expect(await events(listing, 1)).toEqual(['ADDED pods/a/3 103'])
    const later = watch({ sendInitialEvents: false })
    const seen = events(later, 1)
    await new Promise((resolve) => setImmediate(resolve))
    await create('pods/a/4')
    expect(await seen).toEqual(['ADDED pods/a/4 104'])
  })

  it('turn changes into what a selection sees of them', async () => {
    const watcher = watch({ resourceVersion: '100', selection: labelled('x'), scope: 'pods/a/' })
    const seen = events(watcher, 5)
    let entry = await create('pods/a/1', { app: 'y' })
    entry = await relabel(entry, { app: 'x' })
    entry = await relabel(entry, { app: 'x', more: '1' })
    await create('pods/b/1', { app: 'x' })
    entry = await relabel(entry, { app: 'y' })
    entry = await relabel(entry, { app: 'z' })
    entry = await relabel(entry, { app: 'x' })
    await cache.delete(entry.key, entry.revision)
    expect(await seen).toEqual(['ADDED pods/a/1 102', 'MODIFIED pods/a/1 103', 'DELETED pods/a/1 105', 'ADDED pods/a/1 107', 'DELETED pods/a/1 108'])
  })

  it('of one object wake for it alone', async () => {
    const seen = events(watch({ resourceVersion: '100', scope: 'pods/a/1' }), 1)
    await create('pods/a/11')
    await create('pods/a/1')
    expect(await seen).toEqual(['ADDED pods/a/1 102'])
  })

  it('share events, batches and their bytes', async () => {
    const all = [watch({ resourceVersion: '100' }), watch({ resourceVersion: '100' })].map((w) => w[Symbol.asyncIterator]())
    const some = watch({ resourceVersion: '100', scope: 'pods/a/' })[Symbol.asyncIterator]()
    await create('pods/a/1')
    const [one, two, three] = (await Promise.all([...all, some].map((w) => w.next()))).map((r) => r.value!)
    expect(two).toBe(one)
    expect(three!.events[0]).toBe(one!.events[0])
    let made = 0
    for (const batch of [one!, two!, three!]) expect(batch.served('v1', () => (made++, Buffer.from('x'))).toString()).toBe('x')
    expect(made).toBe(1)
  })

  it('send a bookmark each minute in which something happened, and when asked', async () => {
    const watcher = watch({ resourceVersion: '100', allowWatchBookmarks: true, scope: 'pods/a/' })
    const seen = events(watcher, 2)
    await new Promise((resolve) => setImmediate(resolve))
    await create('pods/b/1')
    clock.advance(60_000)
    clock.advance(600_000)
    await create('pods/b/2')
    watcher.requestBookmark()
    expect(await seen).toEqual(['BOOKMARK 101', 'BOOKMARK 102'])
  })

  it('too old are refused, in upstream\'s words; those of untouched kinds are not', async () => {
    cache.stop()
    cache = await open({ maxBytes: 4000 })
    const quiet = watch({ scope: 'nodes/', resourceVersion: '100' })[Symbol.asyncIterator]()
    for (let i = 0; i < 20; i++) await create(`pods/a/${i}`)
    const error = await refusal(watch({ resourceVersion: '101' })[Symbol.asyncIterator]().next())
    expect(error).toMatchObject({ code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 101 \(1\d\d\)$/) })
    const next = quiet.next()
    await create('nodes/n1')
    expect((await next).value!.events).toHaveLength(1)
  })

  it('at rest go back a minute', async () => {
    await create('pods/a/1')
    clock.advance(61_000)
    await create('pods/a/2')
    await create('pods/a/3')
    cache.forget()
    expect(await refusal(watch({ resourceVersion: '100' })[Symbol.asyncIterator]().next())).toMatchObject({ code: 410 })
    expect(await events(watch({ resourceVersion: '102' }), 1)).toEqual(['ADDED pods/a/3 103'])
  })

  it('too slow are cut, waiting ones are not', async () => {
    cache.stop()
    cache = await open({ maxBytes: 4000 })
    const slow = watch({ resourceVersion: '100' })[Symbol.asyncIterator]()
    const waiting = watch({ resourceVersion: '100', scope: 'pods/b/' })
    const seen = events(waiting, 1)
    const first = slow.next()
    for (let i = 0; i < 20; i++) await create(`pods/a/${i}`)
    await first
    expect((await refusal(slow.next())).code).toBe(410)
    expect((await slow.next()).done).toBe(true)
    await create('pods/b/1')
    expect(await seen).toEqual(['ADDED pods/b/1 121'])
  })

  it('end by their signal, by return and with the cache', async () => {
    const ended = new AbortController()
    const one = watch({ signal: ended.signal, resourceVersion: '100' })[Symbol.asyncIterator]()
    const two = watch({ resourceVersion: '100' })[Symbol.asyncIterator]()
    const three = watch({ resourceVersion: '100' })[Symbol.asyncIterator]()
    const results = [one.next(), two.next(), three.next()]
    ended.abort()
    await two.return!()
    cache.stop()
    expect((await Promise.all(results)).map((r) => r.done)).toEqual([true, true, true])
  })
})

it('tells listeners of a scope at once', async () => {
  const seen: string[] = []
  const stop = cache.onChange('pods/a/', (previous, now) => seen.push(`${previous?.revision ?? '-'} ${now?.revision ?? '-'}`))
  const entry = await create('pods/a/1')
  await create('pods/b/1')
  await cache.delete(entry.key, entry.revision)
  stop()
  await create('pods/a/2')
  expect(seen).toEqual(['- 101', '101 -'])
})
