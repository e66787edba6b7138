// A database that cannot be used is refused with a line that says what to do, and no byte on disk is changed. A damaged one is never served:
// whatever bit flips, either all that was written is there, or the damage is told.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { openDatabase } from './database.ts'
import { Engine } from './engine.ts'
import { Room } from './room.ts'
import { Rows } from './rows.ts'
import { startSourceWorker } from './source-worker.ts'
import { openSqliteStorage, type SqliteStorage } from './sqlite-storage.ts'
import { DamagedDatabaseError, UnusableDatabaseError } from './unusable.ts'

let directory: string
let path: string
let opened: SqliteStorage[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-damage-'))
  path = join(directory, 'state.db')
})
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close()
  rmSync(directory, { recursive: true })
})

async function open(at = path, mayCreate = true): Promise<SqliteStorage> {
  const storage = await openSqliteStorage({ path: at, mayCreate, startWorker: startSourceWorker, clock: new FakeClock(), log: silentLogger })
  opened.push(storage)
  return storage
}

const filesOf = (folder: string) => Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]))

/** What an attempt to open says. Nothing may have changed by it. */
async function refusal(at = path, mayCreate = true): Promise<Error> {
  const before = existsSync(dirname(at)) ? filesOf(dirname(at)) : {}
  const error = await open(at, mayCreate).then(() => expect.fail('should have been refused'), (e: unknown) => e as Error)
  if (existsSync(dirname(at))) expect(filesOf(dirname(at))).toEqual(before)
  expect(error.message).not.toContain('\n')
  return error
}

async function damage(): Promise<string> {
  const error = await refusal()
  expect(error).toBeInstanceOf(DamagedDatabaseError)
  expect(error.message).toMatch(/^database \S*state\.db is damaged \(.*\): restore a back-up with "mk8s restore FILE", or start with --auto-recover/)
  return /damaged \((.*)\): restore/.exec(error.message)![1]!
}

async function unusable(at = path): Promise<string> {
  const error = await refusal(at)
  expect(error).toBeInstanceOf(UnusableDatabaseError)
  expect(error).not.toBeInstanceOf(DamagedDatabaseError)
  return error.message
}

const valueOf = (i: number) => Buffer.from(`value ${i} `.repeat(20 + ((i * 37) % 200)))

/** A database with its log, as a killed process leaves them. */
async function killed(rows: number): Promise<void> {
  const alive = await open(join(directory, 'alive.db'))
  const together = rows > 1000 ? 100 : 1
  for (let i = 0; i < rows; i += together) await Promise.all(Array.from({ length: together }, (_, n) => alive.create(`a/${i + n}`, valueOf(i + n))))
  for (const suffix of ['', '-wal']) cpSync(join(directory, `alive.db${suffix}`), path + suffix)
  await alive.close()
  opened = opened.filter((one) => one !== alive)
  rmSync(join(directory, 'alive.db'))
}

/** A database as a clean stop leaves it: one file. */
async function stopped(rows: number): Promise<void> {
  const storage = await open()
  for (let i = 0; i < rows; i++) await storage.create(`a/${i}`, valueOf(i))
  await storage.close()
}

function flip(file: string, at: number, mask = 1 << (at % 8)): void {
  const bytes = readFileSync(file)
  bytes[at]! ^= mask
  writeFileSync(file, bytes)
}

describe('refuses to start, changing nothing, when the database', () => {
  it('is in use', async () => {
    await open()
    const error = await open().then(() => expect.fail('should have been refused'), (e: unknown) => e as Error)
    expect(error.message).toMatch(/is in use by another process: is mk8s running already/)
  })

  it('is no database', async () => {
    writeFileSync(path, 'hello '.repeat(2000))
    expect(await damage()).toMatch(/it is not an mk8s database, or its beginning is lost/)
  })

  it('belongs to another program', async () => {
    const other = new Database(path)
    other.exec('CREATE TABLE photos (name)')
    other.close()
    expect(await unusable()).toMatch(/is a database of another program: choose another --data-dir/)
  })

  it('was written by a newer mk8s', async () => {
    await stopped(1)
    const newer = new Database(path)
    newer.pragma('user_version = 7')
    newer.close()
    expect(await unusable()).toMatch(/was written by a newer mk8s \(layout 7/)
  })

  it('lies in a directory that does not exist', async () => {
    expect(await unusable(join(directory, 'none', 'state.db'))).toMatch(/cannot be used .*check that the directory exists/)
  })

  it('has lost its end', async () => {
    await stopped(40)
    truncateSync(path, Math.floor(statSync(path).size / 2))
    await damage()
  })

  it('has lost all of it', async () => {
    await stopped(1)
    truncateSync(path, 0)
    expect(await damage()).toBe('the file is empty')
  })

  it('is gone and its log is there', async () => {
    await killed(10)
    rmSync(path)
    expect(await damage()).toBe('the file is gone, its write-ahead log is there')
  })

  it('is gone with its log, and must be there', async () => {
    const error = await refusal(path, false)
    expect(error).toBeInstanceOf(DamagedDatabaseError)
    expect(error.message).toBe(`database ${path} is gone, and this data directory had one: restore a back-up with "mk8s restore FILE", or start with --auto-recover to go on from the last good copy`)
  })

  it.each([
    ['gone', 0, () => rmSync(`${path}-wal`)],
    ['gone after it was moved into the database', 1500, () => rmSync(`${path}-wal`)],
    ['empty', 10, () => truncateSync(`${path}-wal`)],
    ['zeros', 10, () => writeFileSync(`${path}-wal`, Buffer.alloc(40_000))],
  ])('was killed, and its log is %s', async (_how, rows, lose) => {
    await killed(rows)
    lose()
    expect(await damage()).toBe('its write-ahead log is gone')
  })

  it('has lost the beginning of its log', async () => {
    await killed(10)
    flip(`${path}-wal`, 17)
    expect(await damage()).toBe('the beginning of its write-ahead log is lost')
  })

  it('has a gap in its log', async () => {
    await killed(10)
    flip(`${path}-wal`, Math.floor(statSync(`${path}-wal`).size / 2))
    expect(await damage()).toBe('its write-ahead log has a gap')
  })

  it('holds a value that was not written', async () => {
    await stopped(10)
    flip(path, readFileSync(path).indexOf('value 7 value 7'))
    expect(await damage()).toBe('what is stored under "a/7" is not what was written')
  })

  it('has another state than was written', async () => {
    await stopped(10)
    const db = new Database(path)
    db.exec('UPDATE state SET revision = revision - 1')
    db.close()
    expect(await damage()).toBe('its state is not what was written')
  })
})

/** What a store in this process holds after opening `at`; undefined when it is refused as damaged. */
function contentOf(at: string): string | undefined {
  try {
    const db = openDatabase({ path: at, nativeBinding: undefined, mayCreate: true })
    const engine = new Engine({ db, rows: new Rows(db), room: new Room(db, { path: at, reserveBytes: 0 }), afterCommit: () => {}, timeToLiveBytes: 1 << 20 })
    const content = [...engine.list('')].map((row) => `${row.key} ${row.revision} ${row.value.toString('base64')}`).join('\n')
    db.close()
    return content
  } catch (error) {
    if (error instanceof DamagedDatabaseError) return undefined
    throw error
  }
}

for (const [name, make] of [['stopped', stopped], ['killed', killed]] as const) {
  it(`serves all or nothing of a database ${name} that has a flipped bit`, { timeout: 120_000 }, async () => {
    await make(60)
    const pristine = join(directory, 'pristine')
    cpSync(path, join(pristine, basename(path)), { recursive: true })
    if (name === 'killed') cpSync(`${path}-wal`, join(pristine, `${basename(path)}-wal`))
    const whole = contentOf(path)!
    const withoutLast = whole.split('\n').filter((line) => !line.startsWith('a/59 ')).join('\n')
    expect(whole.split('\n')).toHaveLength(60)
    const file = name === 'killed' ? `${path}-wal` : path
    const bytes = readFileSync(join(pristine, basename(file)))
    let told = 0
    for (let round = 0; round < 150; round++) {
      for (const suffix of ['', '-wal']) rmSync(path + suffix, { force: true })
      cpSync(pristine, directory, { recursive: true })
      const at = Math.floor((round + Math.random()) / 150 * bytes.length)
      flip(file, at, 1 << Math.floor(Math.random() * 8))
      const content = contentOf(path)
      if (content === undefined) told++
      // The last transaction of a log looks the same damaged and torn by a power cut.
      else expect([whole, ...(name === 'killed' && at > bytes.length - 40_000 ? [withoutLast] : [])], `byte ${at}`).toContain(content)
    }
    expect(told).toBeGreaterThan(75)
  })
}
