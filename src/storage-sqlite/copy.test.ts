import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { startSourceWorker } from './source-worker.ts'
import { openSqliteStorage, type SqliteOptions, type SqliteStorage } from './sqlite-storage.ts'

let directory: string
let opened: SqliteStorage[] = []
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'mk8s-copy-'))))
afterEach(async () => {
  for (const storage of opened) await storage.close()
  opened = []
  rmSync(directory, { recursive: true })
})

const bytes = (text: string) => Buffer.from(text)
async function open(name: string, options: Partial<SqliteOptions> = {}): Promise<SqliteStorage> {
  const storage = await openSqliteStorage({ path: join(directory, name), startWorker: startSourceWorker, clock: new FakeClock(), log: silentLogger, ...options })
  opened.push(storage)
  return storage
}

it('a copy made under concurrent writes is a state that was: what was acknowledged before is there, and nothing out of order', async () => {
  const source = await open('source.db')
  const before: number[] = []
  for (let i = 0; i < 2000; i++) before.push(i)
  await Promise.all(before.map((i) => source.create(`before/${i}`, Buffer.alloc(2000, `${i}`))))
  let writing = true
  const written: number[] = []
  const writer = (async () => {
    for (let i = 0; writing; i++) written.push(await source.create(`during/${String(i).padStart(6, '0')}`, bytes(String(i))))
  })()
  const revision = await source.copyTo(join(directory, 'copy.db'))
  writing = false
  await writer
  expect(readdirSync(directory).filter((name) => name.startsWith('copy'))).toEqual(['copy.db'])
  const restored = await open('copy.db')
  expect((await restored.list('before/')).rows).toHaveLength(2000)
  const during = (await restored.list('during/')).rows.map(({ revision }) => revision)
  expect(during).toEqual(written.slice(0, during.length))
  expect(written.length).toBeGreaterThan(0)
  expect(revision).toBeGreaterThanOrEqual(during.at(-1) ?? 0)
})

it('a copy that goes on far ahead never hands out a revision again, and shows lazy rows at a new one', async () => {
  const source = await open('source.db')
  const first = await source.create('a', bytes('1'))
  await source.create('lease', bytes('1'), { lazy: true })
  const revision = await source.copyTo(join(directory, 'copy.db'))
  const after = await source.update('a', bytes('2'), first)
  const restored = await open('copy.db', { skipRevisions: 1e9 })
  expect((await restored.get('a'))!.revision).toBe(first)
  expect((await restored.get('lease'))!.revision).toBeGreaterThan(after)
  expect(await restored.create('b', bytes('x'))).toBeGreaterThan(revision + 1e9)
  const reached = await restored.currentRevision()
  await restored.close()
  expect(await (await open('copy.db')).create('c', bytes('x'))).toBe(reached + 1)
})

it('its mark changes with every durable write and with no lazy one', async () => {
  const source = await open('source.db')
  const mark = () => source.durableMark()
  const marks = [await mark()]
  const revision = await source.create('a', bytes('1'))
  marks.push(await mark())
  await source.update('a', bytes('2'), revision)
  marks.push(await mark())
  await source.create('lease', bytes('1'), { lazy: true })
  expect(await mark()).toBe(marks.at(-1))
  await source.delete('a', (await source.get('a'))!.revision)
  marks.push(await mark())
  await source.create('b', bytes('1'))
  marks.push(await mark())
  expect(new Set(marks.slice(1)).size).toBe(marks.length - 1)
  await source.create('b/c', bytes('1'))
  expect(await source.durableMark('b/')).toBe(marks.at(-1))
  await source.copyTo(join(directory, 'copy.db'))
  expect(await (await open('copy.db')).durableMark('b/')).toBe(marks.at(-1))
})

it('a copy that cannot be written is an error in one line, and the database goes on', async () => {
  const source = await open('source.db')
  await expect(source.copyTo(join(directory, 'none/copy.db'))).rejects.toThrow(/^the database cannot be copied to .*none\/copy\.db: /)
  writeFileSync(join(directory, 'foreign'), 'x'.repeat(10_000))
  await expect(source.copyTo(join(directory, 'foreign'))).rejects.toThrow('cannot be copied')
  expect(await source.create('a', bytes('1'))).toBeGreaterThan(0)
})
