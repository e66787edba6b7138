// What every engine must do, as tests. An engine's own test file calls this with a way to open an empty store.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeClock } from '../base/clock.ts'
import { type Change, type Storage, StorageError, type StorageErrorCode } from './storage.ts'

interface Opened {
  storage: Storage
  clock: FakeClock
  cleanUp(): Promise<void>
}

const bytes = (text: string) => Buffer.from(text)

async function failure(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(() => expect.fail('should have been refused'), (e: unknown) => e)
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

const refusal = async (promise: Promise<unknown>): Promise<StorageErrorCode> => (await failure(promise)).code

export function storageContract(engine: string, open: () => Promise<Opened>): void {
  describe(`${engine} keeps the contract of Storage`, () => {
    let opened: Opened
    let storage: Storage
    beforeEach(async () => {
      opened = await open()
      storage = opened.storage
    })
    afterEach(async () => {
      await storage.close()
      await opened.cleanUp()
    })

    const record = async (): Promise<Change[]> => {
      const seen: Change[] = []
      storage.watch(await storage.currentRevision(), (changes) => seen.push(...changes))
      return seen
    }
    const told = (changes: Change[]) => changes.map((c) => [c.type, c.key, c.value.toString(), c.revision])

    it('creates, reads, updates and deletes, with growing revisions', async () => {
      const created = await storage.create('a/1', bytes('one'))
      expect(await storage.get('a/1')).toMatchObject({ key: 'a/1', revision: created })
      const updated = await storage.update('a/1', bytes('two'), created)
      expect(updated).toBeGreaterThan(created)
      expect((await storage.get('a/1'))!.value.toString()).toBe('two')
      const deleted = await storage.delete('a/1', updated)
      expect(deleted).toBeGreaterThan(updated)
      expect(await storage.get('a/1')).toBeUndefined()
      expect(await storage.currentRevision()).toBe(deleted)
    })

    it('refuses with a closed set of codes and shows the row as it is', async () => {
      const revision = await storage.create('a/1', bytes('one'))
      const exists = await failure(storage.create('a/1', bytes('x')))
      expect(exists).toMatchObject({ code: 'exists', key: 'a/1', row: { revision } })
      expect(exists.row!.value.toString()).toBe('one')
      const conflict = await failure(storage.update('a/1', bytes('x'), revision - 1))
      expect(conflict).toMatchObject({ code: 'conflict', row: { revision } })
      expect(await refusal(storage.delete('a/1', revision + 7))).toBe('conflict')
      expect(await refusal(storage.update('a/2', bytes('x'), revision))).toBe('missing')
      expect(await refusal(storage.delete('a/2', revision))).toBe('missing')
      expect(await storage.currentRevision()).toBe(revision)
    })

    it('lists a prefix in the order of the keys as bytes, with the revision of that instant', async () => {
      for (const key of ['b/1', 'a/10', 'a/\u{10ffff}', 'a/2', 'a/1', 'a/\uffee', 'aa/1', 'a/1-x']) await storage.create(key, bytes(key))
      const { rows, revision } = await storage.list('a/')
      expect(rows.map((row) => row.key)).toEqual(['a/1', 'a/1-x', 'a/10', 'a/2', 'a/\uffee', 'a/\u{10ffff}'])
      expect(rows.map((row) => row.value.toString())).toEqual(rows.map((row) => row.key))
      expect(revision).toBe(await storage.currentRevision())
      expect((await storage.list('')).rows).toHaveLength(8)
      expect((await storage.list('c')).rows).toEqual([])
    })

    it('carries every change once, in order, before the write resolves', async () => {
      const seen = await record()
      const one = await storage.create('a/1', bytes('one'))
      expect(told(seen)).toEqual([['put', 'a/1', 'one', one]])
      const two = await storage.update('a/1', bytes('two'), one)
      const three = await storage.delete('a/1', two)
      expect(told(seen)).toEqual([['put', 'a/1', 'one', one], ['put', 'a/1', 'two', two], ['delete', 'a/1', 'two', three]])
    })

    it('has no history', async () => {
      const revision = await storage.create('a/1', bytes('one'))
      expect(() => storage.watch(revision - 1, () => {})).toThrow(expect.objectContaining({ code: 'compacted' }))
      const { stop } = storage.watch(revision, () => expect.fail('was stopped'))
      stop()
      await storage.create('a/2', bytes('two'))
    })

    it('commits nothing for a write that changes nothing', async () => {
      const seen = await record()
      const revision = await storage.create('a/1', bytes('one'))
      expect(await storage.update('a/1', bytes('one'), revision)).toBe(revision)
      expect(await storage.currentRevision()).toBe(revision)
      expect(seen).toHaveLength(1)
    })

    it('lets one of many concurrent writers win, checking against writes under way', async () => {
      const created = await storage.create('a/1', bytes('0'))
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => storage.update('a/1', bytes(`w${i}`), created)))
      expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
      const creations = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => storage.create('a/2', bytes(`w${i}`))))
      expect(creations.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    })

    it('lets a failing write fail alone among concurrent ones, revisions in order', async () => {
      await storage.create('a/5', bytes('there'))
      const seen = await record()
      const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => storage.create(`a/${i}`, bytes(`${i}`))))
      expect(results.map((r) => r.status === 'rejected')).toEqual(Array.from({ length: 10 }, (_, i) => i === 5))
      const revisions = seen.map((c) => c.revision)
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
      expect(new Set(revisions).size).toBe(9)
    })

    it('shows lazy writes at once, under the same rules', async () => {
      const seen = await record()
      const one = await storage.create('a/1', bytes('one'), { lazy: true })
      const two = await storage.update('a/1', bytes('two'), one, { lazy: true })
      expect((await storage.get('a/1'))!.revision).toBe(two)
      expect(await refusal(storage.update('a/1', bytes('x'), one))).toBe('conflict')
      const three = await storage.update('a/1', bytes('three'), two)
      expect((await storage.list('a/')).rows.map((row) => row.revision)).toEqual([three])
      expect(seen.map((c) => c.revision)).toEqual([one, two, three])
    })

    it('removes a row when its time to live ends, counted from its last write', async () => {
      const seen = await record()
      const first = await storage.create('a/1', bytes('one'), { timeToLiveSeconds: 60 })
      await storage.create('a/2', bytes('stays'))
      opened.clock.advance(40_000)
      await storage.update('a/1', bytes('two'), first, { timeToLiveSeconds: 60 })
      opened.clock.advance(40_000)
      expect(await storage.get('a/1')).toBeDefined()
      opened.clock.advance(21_000)
      await expect.poll(() => seen.map((c) => [c.type, c.key])).toEqual([['put', 'a/1'], ['put', 'a/2'], ['put', 'a/1'], ['delete', 'a/1']])
      expect(seen.at(-1)!.value.toString()).toBe('two')
      expect(await storage.get('a/1')).toBeUndefined()
    })

    it('keeps a row whose last write names no time to live', async () => {
      const first = await storage.create('a/1', bytes('one'), { timeToLiveSeconds: 60 })
      await storage.update('a/1', bytes('two'), first)
      opened.clock.advance(100_000)
      await storage.create('a/2', bytes('later'))
      expect(await storage.get('a/1')).toBeDefined()
    })

    it('finishes writes under way when it closes and takes no more', async () => {
      const under = Array.from({ length: 5 }, (_, i) => storage.create(`a/${i}`, bytes('x')))
      await storage.close()
      expect((await Promise.allSettled(under)).map((r) => r.status)).toEqual(Array(5).fill('fulfilled'))
      expect(await refusal(storage.create('a/9', bytes('x')))).toBe('unavailable')
    })

    it('keeps bytes as they are', async () => {
      const value = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 256))
      await storage.create('a/big', value)
      await storage.create('a/none', Buffer.alloc(0))
      const { rows } = await storage.list('a/')
      expect(rows.map((row) => Buffer.compare(row.value, row.key === 'a/big' ? value : Buffer.alloc(0)))).toEqual([0, 0])
    })
  })
}
