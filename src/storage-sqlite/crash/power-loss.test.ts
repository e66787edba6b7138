// Power cuts: what the real engine did to its files is recorded (strace), and replayed onto a disk that loses, reorders and tears what was not
// synced; the engine is opened on what is left. Every generation goes on from one of the cuts of the one before.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Disk } from './disk.ts'
import { Model } from './model.ts'
import { record, type Operation } from './recording.ts'
import { recover } from './recover.ts'

const asked = process.env['MK8S_POWER_CUTS']
const cuts = Number(asked ?? 200)
const generations = 8
const writer = fileURLToPath(new URL('./writer.ts', import.meta.url))

let directory: string
/** What is recovered here need not last. */
let memory: string
const lives: Life[] = []

/** One generation: from which files it began, what it knew, and all it did. */
interface Life {
  database: string
  files: ReadonlyMap<string, Buffer>
  model: Model
  operations: readonly Operation[]
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-power-'))
  memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mk8s-power-'))
  await Promise.all([liveOn('fast', 0), liveOn('slow', 2_300)])
}, 300_000)
afterAll(() => [directory, memory].forEach((made) => rmSync(made, { recursive: true, force: true })))

/** Half of the generations. Where they pause, the engine's upkeep of a quiet time is in them. */
async function liveOn(name: string, pause: number): Promise<void> {
  let life = { files: new Map<string, Buffer>(), model: new Model() }
  for (let generation = 0; generation < generations / 2; generation++) {
    const place = join(directory, name + generation)
    const files = new Map([...life.files].map(([path, bytes]) => [join(place, basename(path)), bytes]))
    const database = join(place, 'state.db')
    put(files, place)
    const diary = join(directory, `${name}-diary`)
    const command = [process.execPath, writer, database, diary, String(generation), '400', String(pause)] as const
    const operations = await record({ command, directory: place, diary, codeCache: join(directory, 'code') })
    const lived: Life = { database, files, model: life.model, operations }
    lives.push(lived)
    life = lastCut(lived)
  }
}

function put(files: ReadonlyMap<string, Buffer>, place: string): void {
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place)
  for (const [path, bytes] of files) writeFileSync(join(place, basename(path)), bytes)
}

const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

function recoverFrom(files: ReadonlyMap<string, Buffer>, database: string) {
  const place = join(memory, 'recovered')
  put(files, place)
  return recover(join(place, basename(database)))
}

interface Cut {
  /** The power is gone after so many operations. */
  at: number
  seed: number
  lies?: (path: string) => boolean
}

/** Runs a life up to each cut, in order. @returns what is wrong after any of them. */
function cutLife(life: Life, points: readonly Cut[]): string[] {
  const wrong: string[] = []
  const model = new Model(life.model)
  const disk = new Disk(life.files, points[0]?.lies)
  let done = 0
  for (const { at, seed } of points) {
    for (; done < at; done++) perform(life.operations[done]!, disk, model)
    try {
      const { rows, revision, wrong: more } = recoverFrom(disk.cut(seeded(seed)), life.database)
      wrong.push(...[...more, ...model.check(rows, revision)].map((what) => `${basename(dirname(life.database))}, cut after ${at}, seed ${seed}: ${what}`))
    } catch (error) {
      wrong.push(`${basename(dirname(life.database))}, cut after ${at}, seed ${seed}: ${(error as Error).message}`)
    }
  }
  return wrong
}

function perform(operation: Operation, disk: Disk, model: Model): void {
  if (operation.kind === 'said') operation.lines.forEach((line) => model.read(line))
  else disk.do(operation)
}

/** What the next generation begins with. */
function lastCut(life: Life): { files: Map<string, Buffer>; model: Model } {
  const model = new Model(life.model)
  const disk = new Disk(life.files)
  const at = Math.floor(life.operations.length * (0.5 + Math.random() / 2))
  for (const operation of life.operations.slice(0, at)) perform(operation, disk, model)
  const files = disk.cut(Math.random)
  const { rows, revision } = recoverFrom(files, life.database)
  expect(model.check(rows, revision)).toEqual([])
  model.restart(rows)
  return { files, model }
}

function randomCuts(life: Life, count: number, lies?: (path: string) => boolean): Cut[] {
  const points = Array.from({ length: count }, () => ({ at: Math.floor(Math.random() * life.operations.length), seed: Math.floor(Math.random() * 2 ** 31), ...(lies && { lies }) }))
  return points.sort((a, b) => a.at - b.at)
}

it(`loses nothing that was acknowledged in ${cuts} power cuts`, { timeout: 60_000 + cuts * 1_000 }, () => {
  const operations = lives.flatMap((life) => life.operations)
  expect(operations.filter((operation) => operation.kind === 'said').length).toBeGreaterThan(generations * 400)
  // The log was moved into the database, and cut.
  expect(operations.some(({ kind, ...about }) => kind === 'write' && (about as { path: string }).path.endsWith('state.db'))).toBe(true)
  expect(operations.some(({ kind }) => kind === 'truncate')).toBe(true)
  for (const life of lives) expect(cutLife(life, randomCuts(life, Math.ceil(cuts / lives.length)))).toEqual([])
  if (asked) console.log(`${cuts} power cuts in ${operations.length} recorded operations of ${lives.length} lives, nothing acknowledged lost`)
})

const isDirectory = (path: string) => !path.includes('state.db')
it.each([
  ['syncs nothing', () => true],
  ['syncs no log', (path: string) => path.endsWith('-wal')],
  ['syncs no database before its log is written over', (path: string) => path.endsWith('state.db')],
  ['syncs no directory', isDirectory],
])('would notice a disk that %s', { timeout: 120_000 }, (_name, lies) => {
  expect(lives.some((life) => cutLife(life, randomCuts(life, 40, lies)).length > 0)).toBe(true)
})

it('has a sync of the log between each durable write and its acknowledgement', () => {
  let checked = 0
  for (const { operations, database } of lives) {
    const log = `${database}-wal`
    const began = new Map<string, { token: string; at: number }>()
    let synced = -1
    /** Where what a write wrote was last put into the log. A deletion has nothing to be found by: any write after its beginning. */
    const writtenAt = ({ token, at }: { token: string; at: number }, until: number) => {
      const last = operations.slice(at, until).findLastIndex((operation) => operation.kind === 'write' && operation.path === log && (!token || operation.bytes.includes(`${token} `)))
      return token ? at + last : at
    }
    operations.forEach((operation, at) => {
      if (operation.kind === 'sync' && operation.path === log) synced = at
      if (operation.kind !== 'said') return
      for (const line of operation.lines) {
        const [what, key, third, lazy] = line.split('\t') as [string, string, string, string?]
        if (what === 'T') began.set(key, { token: third, at: lazy === '0' ? at : NaN })
        const begun = what === 'A' ? began.get(key)! : undefined
        if (!begun || Number.isNaN(begun.at)) continue
        checked++
        const written = writtenAt(begun, at)
        expect(written, `${begun.token || 'the deletion'} in the log`).toBeGreaterThanOrEqual(begun.at)
        expect(synced, `sync before the acknowledgement of ${line}`).toBeGreaterThan(written)
      }
    })
  }
  expect(checked).toBeGreaterThan(generations * 100)
})
