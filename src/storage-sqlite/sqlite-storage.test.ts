import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { measureLoopDelay } from '../base/loop-delay.ts'
import { storageContract } from '../storage/contract.ts'
import type { Change, Storage } from '../storage/storage.ts'
import { startSourceWorker } from './source-worker.ts'
import { openSqliteStorage, type SqliteOptions } from './sqlite-storage.ts'

let directory: string
let path: string
let clock: FakeClock
let opened: Storage[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-storage-'))
  path = join(directory, 'state.db')
  clock = new FakeClock()
})
afterEach(async () => {
  for (const storage of opened) await storage.close()
  opened = []
  rmSync(directory, { recursive: true })
})

async function open(options: Partial<SqliteOptions> = {}) {
  const storage = await openSqliteStorage({ path, startWorker: startSourceWorker, clock, log: silentLogger, ...options })
  opened.push(storage)
  return storage
}

/** Opens a store whose process can be made to vanish: its thread ends without a word. */
async function openMortal(options: Partial<SqliteOptions> = {}) {
  let worker!: Worker
  const storage = await open({ ...options, startWorker: (data) => (worker = startSourceWorker(data)) })
  return { storage, crash: () => worker.terminate() }
}

const bytes = (text: string) => Buffer.from(text)
const refusal = (promise: Promise<unknown>): Promise<{ code: string; message: string }> =>
  promise.then(() => expect.fail('should have been refused'), (error: { code: string; message: string }) => error)
const fileBytes = () => [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)

for (const fsyncDelayMilliseconds of [0, 20]) {
  storageContract(`SqliteStorage with ${fsyncDelayMilliseconds} ms added to each sync`, async () => {
    return { storage: await open({ fsyncDelayMilliseconds }), clock, cleanUp: async () => {} }
  })
}

describe('restart', () => {
  it('after a clean stop goes on where it was', async () => {
    const first = await open()
    const revision = await first.create('a/1', bytes('one'))
    const lazy = await first.create('a/2', bytes('two'), { lazy: true })
    await first.close()
    const again = await open()
    expect((await again.list('')).rows.map((row) => [row.key, row.revision])).toEqual([['a/1', revision], ['a/2', lazy]])
    expect(await again.currentRevision()).toBe(lazy)
  })

  it('after a crash passes all revisions that were seen, for lost lazy writes and for the rows they changed', async () => {
    const { storage, crash } = await openMortal()
    const one = await storage.create('leases/1', bytes('one'))
    const marked = await storage.update('leases/1', bytes('two'), one, { lazy: true })
    const lost = await storage.update('leases/1', bytes('three'), marked, { lazy: true })
    await storage.create('events/1', bytes('lost'), { lazy: true, timeToLiveSeconds: 3600 })
    await crash()
    const again = await open()
    const { rows, revision } = await again.list('')
    expect(rows.map((row) => [row.key, row.value.toString()])).toEqual([['leases/1', 'two']])
    expect(rows[0]!.revision).toBeGreaterThan(lost + 1)
    expect(revision).toBeGreaterThanOrEqual(rows[0]!.revision)
    expect(await again.update('leases/1', bytes('four'), rows[0]!.revision, { lazy: true })).toBeGreaterThan(revision)
  })

  it('after a crash has lazy writes that were flushed, by time or with another write', async () => {
    const { storage, crash } = await openMortal({ lazyMilliseconds: 5_000 })
    await storage.create('events/1', bytes('with another'), { lazy: true })
    await storage.create('a/1', bytes('durable'))
    await storage.create('events/2', bytes('by time'), { lazy: true })
    clock.advance(5_000)
    await storage.get('events/2')
    await storage.create('events/3', bytes('lost'), { lazy: true })
    await crash()
    expect((await (await open()).list('')).rows.map((row) => row.key)).toEqual(['a/1', 'events/1', 'events/2'])
  })

  it('takes over a database of the layout before, with its revisions', async () => {
    const first = await open()
    const revision = await first.create('a/1', bytes('one'))
    const lazy = await first.create('leases/1', bytes('two'), { lazy: true })
    await first.close()
    const older = new Database(path)
    for (const table of ['rows', 'state']) older.exec(`ALTER TABLE ${table} DROP COLUMN sum`)
    older.pragma('user_version = 1')
    older.close()
    const again = await open()
    expect((await again.list('')).rows.map((row) => [row.key, row.value.toString(), row.revision])).toEqual([['a/1', 'one', revision], ['leases/1', 'two', lazy]])
    expect(await again.currentRevision()).toBe(lazy)
    expect(await again.create('a/2', bytes('three'))).toBe(lazy + 1)
  })

  it('has no trace of pages that were being claimed on a full disk', async () => {
    const first = await open()
    await first.create('\0claimed', Buffer.alloc(10_000))
    await first.close()
    expect((await (await open()).list('')).rows).toEqual([])
  })

  it('removes at once what has expired meanwhile', async () => {
    const first = await open()
    await first.create('events/1', bytes('x'), { timeToLiveSeconds: 60 })
    await first.close()
    clock.advance(61_000)
    expect((await (await open()).list('')).rows).toEqual([])
  })

  it('lets what has an hour to live have it, whatever the wall clock shows meanwhile', async () => {
    const present = clock.now()
    const first = await open()
    clock.setWall(0)
    await first.create('events/1970', bytes('x'), { timeToLiveSeconds: 3600 })
    clock.setWall(present + 3650 * 86_400_000)
    await first.create('events/2036', bytes('x'), { timeToLiveSeconds: 3600 })
    clock.advance(3_000_000)
    expect((await first.list('')).rows).toHaveLength(2)
    clock.advance(1_000_000)
    await vi.waitFor(async () => expect((await first.list('')).rows).toEqual([]))
  })

  it.each([['1970', 0], ['ten years ahead', Date.UTC(2036, 0, 1)]])('gives an hour to what an earlier process has dated by a clock at %s', async (_when, wall) => {
    const present = clock.now()
    clock.setWall(wall)
    const first = await open()
    await first.create('events/1', bytes('x'), { lazy: true, timeToLiveSeconds: 3600 })
    await first.close()
    clock.setWall(present)
    const second = await open()
    expect((await second.list('')).rows).toHaveLength(1)
    clock.advance(3_700_000)
    await vi.waitFor(async () => expect((await second.list('')).rows).toEqual([]))
  })
})

describe('trouble', () => {
  it('with one write of a group leaves the others alone', async () => {
    const storage = await open()
    const keys = ['a/1', 'a/\ud800', 'a/\udfff', 'a/2']
    const results = await Promise.allSettled(keys.map((key) => storage.create(key, bytes('x'))))
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  })

  it('of the file itself ends the engine', async () => {
    const storage = await open()
    for (let i = 0; i < 40; i++) await storage.create(`a/${i}`, Buffer.alloc(100_000, 'x'))
    await storage.close()
    const again = await open()
    truncateSync(path, 400_000)
    expect((await refusal(again.list(''))).code).toBe('unavailable')
    expect((await again.failed).message).toMatch(/is damaged|cannot be used/)
    expect((await refusal(again.create('a/new', bytes('x')))).code).toBe('unavailable')
  })

  it('of the thread fails what is under way', async () => {
    const { storage, crash } = await openMortal({ fsyncDelayMilliseconds: 200 })
    const pending = refusal(storage.create('a/1', bytes('x')))
    await crash()
    expect((await pending).code).toBe('unavailable')
    expect((await storage.failed).message).toMatch(/has ended/)
  })
})

describe('economy', () => {
  it('gives memory back between two writes, and none once it is closed', async () => {
    const storage = await open()
    const first = storage.create('a/1', bytes('one'))
    storage.relieve()
    await Promise.all([first, storage.create('a/2', bytes('two'))])
    expect((await storage.list('a/')).rows.map(({ key }) => key)).toEqual(['a/1', 'a/2'])
    await storage.close()
    storage.relieve()
  })

  it('bounds what rows with a time to live take, nearest to their end first', async () => {
    const storage = await open({ timeToLiveBytes: 50_000 })
    const removed: Change[] = []
    storage.watch(await storage.currentRevision(), (changes) => removed.push(...changes.filter((c) => c.type === 'delete')))
    for (let i = 0; i < 100; i++) {
      await storage.create(`events/${String(i).padStart(3, '0')}`, Buffer.alloc(1000, 'x'), { lazy: true, timeToLiveSeconds: 1000 + i })
    }
    await expect.poll(() => removed.length).toBeGreaterThanOrEqual(50)
    const kept = (await storage.list('')).rows
    expect(kept.length + removed.length).toBe(100)
    expect(kept.at(-1)!.key).toBe('events/099')
    expect(removed[0]!.key).toBe('events/000')
  })

  it('writes nothing for what changes nothing, and one page for all Leases together', async () => {
    const storage = await open({ lazyMilliseconds: 5_000 })
    const revisions = new Map<string, number>()
    for (let i = 0; i < 200; i++) {
      const key = i % 40 === 0 ? `leases/${i}` : `pods/${i}`
      const revision = await storage.create(key, Buffer.alloc(500, 'x'))
      if (i % 40 === 0) revisions.set(key, await storage.update(key, Buffer.alloc(500, 'y'), revision, { lazy: true }))
    }
    const size = () => statSync(`${path}-wal`).size
    const before = size()
    for (let round = 0; round < 10; round++) {
      for (const [key, revision] of revisions) revisions.set(key, await storage.update(key, Buffer.alloc(500, String(round)), revision, { lazy: true }))
    }
    expect(await storage.update('leases/0', Buffer.alloc(500, '9'), revisions.get('leases/0')!, { lazy: true })).toBe(revisions.get('leases/0'))
    expect(size()).toBe(before)
    clock.advance(5_000)
    await storage.get('leases/0')
    expect(size() - before).toBe(4096 + 24)
    clock.advance(60_000)
    await storage.get('leases/0')
    expect(size() - before).toBe(4096 + 24)
  })

  // All of it: bench/churn.ts
  it('gives room back: after churn the files are at most three times the live data, and next to nothing after all is deleted', { timeout: 120_000 }, async () => {
    const storage = await open()
    const live = new Map<string, number>()
    let bytesLive = 0
    for (let round = 0; round < 30; round++) {
      const values = Array.from({ length: 1000 }, (_, i) => Buffer.alloc(500 + ((i * 7919 + round * 104_729) % 2000), round))
      bytesLive = values.reduce((sum, value) => sum + value.length, 0)
      await Promise.all(values.map(async (value, i) => {
        const key = `a/${i}`
        live.set(key, await (live.has(key) ? storage.update(key, value, live.get(key)!) : storage.create(key, value)))
      }))
    }
    await expect.poll(fileBytes, { timeout: 20_000 }).toBeLessThanOrEqual(3 * bytesLive)
    await Promise.all([...live].map(([key, revision]) => storage.delete(key, revision)))
    await expect.poll(fileBytes, { timeout: 20_000 }).toBeLessThanOrEqual(500_000)
  })

  it('keeps the event loop free however long a sync takes', { retry: 2 }, async () => {
    const storage = await open({ fsyncDelayMilliseconds: 20 })
    const delay = measureLoopDelay()
    const start = performance.now()
    await Promise.all(Array.from({ length: 50 }, async (_, writer) => {
      for (let i = 0; i < 20; i++) await storage.create(`a/${writer}-${i}`, Buffer.alloc(1000, 'x'))
    }))
    expect(delay.stop()).toBeLessThanOrEqual(50)
    expect(performance.now() - start).toBeLessThan(1000 * 20 / 2)
  })
})
