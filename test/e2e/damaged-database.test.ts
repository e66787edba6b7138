// A database that cannot be used: one line that says what to do, exit code 1, and the data directory as it was.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { binary, Box } from './box.ts'

const box = new Box()
const database = join(box.dataDir, 'server/db/state.db')
beforeAll(async () => {
  await box.open()
  await box.start()
})
afterAll(() => box.close())

/** What is in every file below the data directory, apart from what containerd and the pods' logs have. */
const content = () => Object.fromEntries(
  readdirSync(box.dataDir, { recursive: true, encoding: 'utf8' }).sort()
    .filter((name) => statSync(join(box.dataDir, name), { throwIfNoEntry: false })?.isFile())
    .map((name) => [name, createHash('sha256').update(readFileSync(join(box.dataDir, name))).digest('hex')]),
)

async function refusal(): Promise<string> {
  const { code, stdout, stderr } = await box.tryInside(binary, ['server', ...box.flags], { timeout: 20_000 })
  expect(code, stderr).toBe(1)
  expect(stdout).toBe('')
  const lines = stderr.trim().split('\n').filter((line) => line.startsWith('mk8s: '))
  expect(lines, stderr).toHaveLength(1)
  return lines[0]!
}

test('a data directory in use by another server leaves that one and its containerd alone', { timeout: 120_000 }, async () => {
  expect(await refusal()).toMatch(/^mk8s: .* is in use by another (mk8s|process)/)
  expect(await box.k(['get', 'nodes'])).toMatch(/ Ready /)
  expect(await box.inside(binary, ['images', 'list', '--data-dir', box.dataDir])).toContain('pause')
})

test('a damaged database', { timeout: 120_000 }, async () => {
  await box.signal('SIGTERM')
  const whole = readFileSync(database)
  const flipped = Buffer.from(whole)
  const inside = flipped.indexOf('"namespace":')
  expect(inside).toBeGreaterThan(0)
  flipped[inside + 2]! ^= 4
  for (const [bytes, why] of [
    [flipped, 'is not what was written'],
    [whole.subarray(0, whole.length - 40_000), ''],
    [Buffer.alloc(0), 'the file is empty'],
    [Buffer.from('{"not": "a database"}'.repeat(500)), 'it is not an mk8s database, or its beginning is lost'],
  ] as const) {
    writeFileSync(database, bytes)
    const before = content()
    const line = await refusal()
    expect(line).toContain(`database ${database} is damaged (`)
    expect(line).toContain(why)
    expect(line).toContain('restore a back-up with "mk8s restore FILE", or start with --auto-recover')
    expect(content()).toEqual(before)
  }
  writeFileSync(database, whole)
  await box.start()
})

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })

test('a database that somebody deleted is not taken for a new cluster, and comes back from the last copy', { timeout: 180_000 }, async () => {
  await box.apply(configMap('precious'))
  const copy = join(box.dataDir, 'server/db/snapshots/state-20260601T000000Z-r9-aaaaaaaaaaaa.tar.gz')
  await box.inside('mkdir', ['-p', join(copy, '..')])
  await box.inside(binary, ['backup', '--data-dir', box.dataDir, copy])
  await box.signal('SIGKILL')
  const log = readFileSync(`${database}-wal`)
  const whole = readFileSync(database)
  const wayOut = `restore a back-up with "mk8s restore FILE", or start with --auto-recover to go on from the last good copy; the last good copy is ${copy}, made `
  const beginAnew = `; to begin with an empty cluster, move ${database}* and ${box.dataDir}/node-name away`

  rmSync(`${database}-wal`)
  let before = content()
  expect(await refusal()).toContain(`mk8s: database ${database} is damaged (its write-ahead log is gone): ${wayOut}`)
  expect(content()).toEqual(before)

  rmSync(database)
  before = content()
  const line = await refusal()
  expect(line).toContain(`mk8s: database ${database} is gone, and this data directory had one: ${wayOut}`)
  expect(line).toContain(beginAnew)
  expect(content()).toEqual(before)
  expect((await box.tryInside(binary, ['doctor', '--data-dir', box.dataDir])).stdout).toContain(`database ${database} is gone`)

  // put back, all is as it was
  writeFileSync(database, whole)
  writeFileSync(`${database}-wal`, log)
  await box.startApi()
  await box.k(['get', 'configmap', 'precious'])

  await box.signal('SIGKILL')
  rmSync(database)
  rmSync(`${database}-wal`)
  const flags = box.flags
  box.flags = [...flags, '--auto-recover']
  await box.startApi()
  await box.k(['get', 'configmap', 'precious'])

  await box.signal('SIGTERM')
  renameSync(database, join(box.directory, 'state.db'))
  renameSync(join(box.dataDir, 'node-name'), join(box.directory, 'node-name'))
  box.flags = flags
  await box.startApi()
  expect((await box.kubectl(['get', 'configmap', 'precious'])).stderr).toContain('NotFound')
})
