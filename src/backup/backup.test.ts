// Whole back-ups of small data directories: made, judged, put in place.
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, cpSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { startSourceWorker } from '../storage-sqlite/source-worker.ts'
import { openSqliteStorage } from '../storage-sqlite/sqlite-storage.ts'
import { copyName, listCopies, pruneCopies } from './copies.ts'
import { createBackup, fingerprint, toFile } from './create.ts'
import { newestGoodCopy } from './newest-good-copy.ts'
import type { Places } from './places.ts'
import { restoreBackup } from './restore.ts'
import { commitSwap, finishSwap, stepsOf } from './swap.ts'

let root: string
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'mk8s-backup-'))))
afterEach(() => rmSync(root, { recursive: true }))

const openDatabase = (path: string, skipRevisions = 0) => openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger, skipRevisions })

/** A data directory whose every part says `mark`; its database is none. */
function imitation(name: string, mark: string): Places {
  const data = join(root, name)
  mkdirSync(join(data, 'server/db'), { recursive: true })
  mkdirSync(join(data, 'server/tls/next'), { recursive: true })
  for (const file of ['tls/server-ca.key', 'tls/server-ca.crt', 'token']) writeFileSync(join(data, 'server', file), mark, { mode: 0o600 })
  writeFileSync(join(data, 'server/db/state.db'), mark)
  writeFileSync(join(root, `${name}.yaml`), mark, { mode: 0o640 })
  return { data, configuration: { 'config/config.yaml': join(root, `${name}.yaml`), 'config/registries.yaml': join(root, `${name}-registries.yaml`) } }
}

async function machine(name: string, mark: string): Promise<Places> {
  const places = imitation(name, mark)
  const database = join(places.data, 'server/db/state.db')
  rmSync(database)
  const storage = await openDatabase(database)
  await storage.create('mark', Buffer.from(mark))
  await storage.close()
  return places
}

const textsOf = ({ data, configuration }: Places): string[] => [join(data, 'server/tls/server-ca.key'), join(data, 'server/token'), configuration['config/config.yaml']!].map((path) => readFileSync(path, 'utf8'))

async function markOf(places: Places): Promise<string[]> {
  const storage = await openDatabase(join(places.data, 'server/db/state.db'))
  const row = await storage.get('mark')
  await storage.close()
  return [row!.value.toString(), ...textsOf(places)]
}

async function backUp(places: Places, options: { passphrase?: string } = {}): Promise<string> {
  const path = join(root, `backup-${randomBytes(4).toString('hex')}`)
  const storage = await openDatabase(join(places.data, 'server/db/state.db'))
  const about = { mk8s: '1', kubernetes: 'v1.36.0', created: '2026-06-01T00:00:00Z', node: { name: 'a' }, dataDirectory: places.data }
  await createBackup({ places, copyDatabase: async (to) => ({ revision: await storage.copyTo(to) }), about }, { ...options, sink: toFile(path) }).finally(() => storage.close())
  return path
}

const restore = (places: Places, path: string, more: Partial<Parameters<typeof restoreBackup>[0]> = {}) => restoreBackup({
  places, source: createReadStream(path), passphrase: () => Promise.resolve('sesame'), presentRevision: async () => undefined, aside: 'server/before',
  async advanceDatabase(database, skip) {
    const storage = await openDatabase(database, skip)
    const revision = await storage.currentRevision()
    await storage.close()
    return revision
  },
  ...more,
})

const tree = (directory: string): string[] => readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => {
  const path = join(entry.parentPath, entry.name)
  return `${path} ${readFileSync(path).toString('base64')}`
}).sort()

describe('a back-up', () => {
  it.each([[{}], [{ passphrase: 'sesame' }]])('is one file that only its owner reads, and brings everything back elsewhere %j', async (options) => {
    const a = await machine('a', 'A')
    const before = tree(a.data)
    const file = await backUp(a, options)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(tree(a.data).map((line) => line.split(' ')[0])).toEqual(before.map((line) => line.split(' ')[0]))
    const b = await machine('b', 'B')
    const restored = await restore(b, file)
    expect(await markOf(b)).toEqual(['A', 'A', 'A', 'A'])
    expect(restored).toMatchObject({ manifest: { node: { name: 'a' } }, aside: join(b.data, 'server/before'), written: [b.configuration['config/config.yaml']] })
    expect(statSync(b.configuration['config/config.yaml']!).mode & 0o777).toBe(0o640)
    expect(readFileSync(join(b.data, 'server/before/config/config.yaml'), 'utf8')).toBe('B')
    expect(readFileSync(join(b.data, 'server/before/tls/server-ca.key'), 'utf8')).toBe('B')
    expect(existsSync(b.configuration['config/registries.yaml']!)).toBe(false)
    expect(readdirSync(b.data)).toEqual(['server'])
  })

  it('can be restored where nothing was; then there is nothing to keep', async () => {
    const file = await backUp(await machine('a', 'A'))
    const b = { data: join(root, 'b'), configuration: { 'config/config.yaml': join(root, 'etc/config.yaml') } }
    expect((await restore(b, file)).aside).toBeUndefined()
    expect(await markOf(b)).toEqual(['A', 'A', 'A', 'A'])
    expect(readdirSync(join(b.data, 'server')).sort()).toEqual(['db', 'tls', 'token'])
  })

  it('goes on beyond every revision that can have been handed out: after the back-up, by what is replaced, by an earlier restoration', async () => {
    const a = await machine('a', 'A')
    const file = await backUp(a)
    const first = await restore(a, file)
    expect(first.revision).toBeGreaterThan(1e9)
    const second = await restore(a, file, { presentRevision: async () => first.revision + 5e9 })
    // within the same second, so under the same name: neither takes the other's place
    expect([first, second].map(({ aside }) => aside)).toEqual(['server/before', 'server/before-2'].map((name) => join(a.data, name)))
    expect([first, second].every(({ aside }) => existsSync(join(aside!, 'tls')))).toBe(true)
    expect(second.revision).toBeGreaterThan(first.revision + 5e9 + 1e9)
  })

  it('may give its database alone', async () => {
    const file = await backUp(await machine('a', 'A'))
    const b = await machine('b', 'B')
    await restore(b, file, { databaseOnly: true })
    expect(await markOf(b)).toEqual(['A', 'B', 'B', 'B'])
  })

  it('is not written where there is no room, and leaves nothing', async () => {
    const a = await machine('a', 'A')
    const storage = await openDatabase(join(a.data, 'server/db/state.db'))
    const about = { mk8s: '1', kubernetes: '1', created: '', node: { name: 'a' }, dataDirectory: a.data }
    const making = createBackup({ places: a, copyDatabase: async (to) => ({ revision: await storage.copyTo(to) }), about }, { sink: toFile(join(root, 'none/backup')) })
    await expect(making).rejects.toThrow(/^the back-up cannot be written to .*none\/backup: ENOENT/)
    await storage.close()
    expect(readdirSync(join(a.data, 'server/db'))).toEqual(['state.db'])
  })
})

describe('is refused, with nothing changed, when it', () => {
  const cases: [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['is empty', () => Buffer.alloc(0), /no back-up made by mk8s/],
    ['is something else', () => Buffer.from('hello '.repeat(1000)), /no back-up made by mk8s/],
    ['is another archive', () => gzipSync(Buffer.from('hello '.repeat(1000))), /no back-up made by mk8s/],
    ['is cut off at the end', (bytes) => bytes.subarray(0, -1), /damaged/],
    ['is cut off in the middle', (bytes) => bytes.subarray(0, bytes.length >> 1), /damaged/],
    ['is cut off at its beginning', (bytes) => bytes.subarray(0, 20), /damaged/],
    ['lacks its last file', (bytes) => gzipSync(Buffer.concat([lastFileOff(gunzipSync(bytes)), Buffer.alloc(1024)])), /is missing/],
    ['has another byte in the database', (bytes) => rezipped(bytes, (tar) => flip(tar, tar.indexOf('SQLite format 3') + 3000)), /state\.db is not what was backed up/],
    ['has another byte in a key', (bytes) => rezipped(bytes, (tar) => flip(tar, tar.indexOf('tls/server-ca.key', 20_000) + 512)), /server-ca\.key is not what was backed up/],
    ['is of a newer format', (bytes) => rezipped(bytes, (tar) => replace(tar, '"version": 1', '"version": 7')), /made by a newer mk8s/],
    ['is of another program', (bytes) => rezipped(bytes, (tar) => replace(tar, 'mk8s-backup', 'xk8s-backup')), /no back-up made by mk8s/],
    ['names a file elsewhere', (bytes) => rezipped(bytes, (tar) => renamed(tar, 'token', '../up')), /it contains "\.\.\/up"/],
  ]
  let whole: Buffer | undefined
  it.each(cases)('%s', async (_what, change, message) => {
    whole ??= readFileSync(await backUp(await machine('a', 'A')))
    const file = join(root, 'changed')
    writeFileSync(file, change(whole))
    const b = imitation('b', 'B')
    const before = tree(root)
    await expect(restore(b, file)).rejects.toThrow(message)
    expect(tree(root)).toEqual(before)
  })

  it('is encrypted with another pass phrase', async () => {
    const file = await backUp(await machine('a', 'A'), { passphrase: 'sesame' })
    const b = imitation('b', 'B')
    const before = tree(root)
    await expect(restore(b, file, { passphrase: async () => 'barley' })).rejects.toThrow('the pass phrase is wrong')
    expect(tree(root)).toEqual(before)
  })

  const rezipped = (bytes: Buffer, change: (tar: Buffer) => Buffer) => gzipSync(change(gunzipSync(bytes)))
  function flip(tar: Buffer, at: number): Buffer {
    tar[at]! ^= 1
    return tar
  }
  function replace(tar: Buffer, from: string, to: string): Buffer {
    expect(tar.indexOf(from)).toBeGreaterThan(0)
    tar.write(to, tar.indexOf(from), 'latin1')
    return tar
  }
  /** Headers have a checksum: the sum of their bytes, those of the checksum taken as blanks. */
  function renamed(tar: Buffer, from: string, to: string): Buffer {
    const at = headers(tar).find((offset) => tar.toString('latin1', offset, offset + 100).replace(/\0.*/s, '') === from)!
    tar.fill(0, at, at + 100).write(to, at, 'latin1')
    tar.fill(' ', at + 148, at + 156)
    tar.write(tar.subarray(at, at + 512).reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0') + '\0 ', at + 148, 'latin1')
    return tar
  }
  function headers(tar: Buffer): number[] {
    const found: number[] = []
    for (let at = 0; at < tar.length && tar[at] !== 0; at += 512 + Math.ceil(parseInt(tar.toString('latin1', at + 124, at + 135), 8) / 512) * 512) found.push(at)
    return found
  }
  const lastFileOff = (tar: Buffer) => tar.subarray(0, headers(tar).at(-1))
})

it('a swap that is broken off anywhere is finished by the next, with all that is new and all that was there', () => {
  const made = imitation('new', 'N')
  for (let stop = 0; ; stop++) {
    const b = imitation(`b${stop}`, 'B')
    writeFileSync(join(b.data, 'server/db/state.db-wal'), 'B')
    mkdirSync(join(b.data, 'restore-1/config'), { recursive: true })
    cpSync(join(made.data, 'server/db/state.db'), join(b.data, 'restore-1/state.db'))
    for (const file of ['tls', 'token']) cpSync(join(made.data, 'server', file), join(b.data, 'restore-1', file), { recursive: true })
    writeFileSync(join(b.data, 'restore-1/config/config.yaml'), 'N')
    const swap = { staged: 'restore-1', aside: 'server/before', writes: [{ from: 'config/config.yaml', to: b.configuration['config/config.yaml']!, mode: 0o600 }] }
    commitSwap(b.data, swap)
    const steps = stepsOf(b.data, swap)
    for (const step of steps.slice(0, stop)) step()
    finishSwap(b.data)
    expect(finishSwap(b.data)).toBeUndefined()
    expect([readFileSync(join(b.data, 'server/db/state.db'), 'utf8'), ...textsOf(b)], `after ${stop} steps`).toEqual(['N', 'N', 'N', 'N'])
    expect(readFileSync(join(b.data, 'server/before/token'), 'utf8')).toBe('B')
    expect(readFileSync(join(b.data, 'server/before/db/state.db-wal'), 'utf8')).toBe('B')
    expect(readdirSync(b.data)).toEqual(['server'])
    if (stop === steps.length) break
  }
})

describe('rolling copies', () => {
  it('are ordered by revision, whatever the clock said, and only they are pruned', () => {
    const name = (time: number, revision: number) => copyName({ time, revision, content: 'abcdef012345' })
    const right = Date.UTC(2026, 5, 1)
    const names = [name(right, 10), name(0, 20), name(right + 1000, 15), 'notes.txt', `${name(right, 30)}.${2 ** 22 + 1}.tmp`, `${name(right, 30)}.${process.pid}.tmp`]
    for (const one of names) writeFileSync(join(root, one), 'x')
    expect(listCopies(root).map(({ revision, time }) => [revision, time])).toEqual([[20, 0], [15, right + 1000], [10, right]])
    pruneCopies(root, 2)
    expect(readdirSync(root).sort()).toEqual([names[1], names[2], 'notes.txt', names[5]].sort())
    expect(listCopies(join(root, 'none'))).toEqual([])
  })

  it('the newest that is whole is found', async () => {
    const a = await machine('a', 'A')
    const good = await backUp(a)
    const copies = join(root, 'copies')
    mkdirSync(copies)
    const path = (revision: number) => join(copies, copyName({ time: 0, revision, content: 'abc' }))
    cpSync(good, path(1))
    cpSync(good, path(2))
    writeFileSync(path(3), readFileSync(good).subarray(0, -100))
    expect((await newestGoodCopy(copies, root))?.path).toBe(path(2))
    rmSync(path(1))
    rmSync(path(2))
    expect(await newestGoodCopy(copies, root)).toBeUndefined()
  })

  it('have a fingerprint of all that is in them', () => {
    const a = imitation('a', 'A')
    const first = fingerprint(a, 'm')
    expect(fingerprint(a, 'm')).toBe(first)
    expect(fingerprint(a, 'n')).not.toBe(first)
    writeFileSync(join(a.data, 'server/token'), 'other')
    expect(fingerprint(a, 'm')).not.toBe(first)
  })
})
