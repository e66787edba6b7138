import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import type { Running } from '../base/component.ts'
import { loadOptions } from '../config/load.ts'
import { completeServerConfig } from '../config/server-config.ts'
import { listCopies } from '../backup/copies.ts'
import { stateCopies } from './state-copies.ts'

const hour = 3600_000
const step = hour / 12
let dataDir: string
let clock: FakeClock
let running: Running
let state: { revision: number; mark: string }
let made: string[]
let broken: string | undefined
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'mk8s-copies-'))
  mkdirSync(join(dataDir, 'server/tls'), { recursive: true })
  clock = new FakeClock(Date.UTC(2026, 5, 1, 0, 30))
  state = { revision: 1, mark: 'a' }
  made = []
  broken = undefined
})
afterEach(async () => {
  await running.stop(AbortSignal.timeout(1000))
  rmSync(dataDir, { recursive: true })
})

const copies = () => join(dataDir, 'server/db/snapshots')
async function start(flags: object = {}): Promise<void> {
  const options = loadOptions({ command: 'server', flags: { dataDir, config: '/none', ...flags }, environment: {}, readFile: () => '' })
  const make = async (path: string) => {
    if (broken) throw new Error(broken)
    writeFileSync(path, 'x')
    made.push(new Date(clock.now()).toISOString())
  }
  running = await stateCopies({ config: completeServerConfig(options, 'a'), describe: async () => state, make, clock, log: silentLogger }).start(new AbortController().signal)
}

/** Step by step, because a look plans the next one when it is done. */
async function pass(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(left, step))
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
const soon = expect.stringMatching(/^2026-06-01T00:(35|40):00/) as string
const change = (mark: string) => (state = { revision: state.revision + 10, mark })

it('copies twice a day, and only what has changed; the first soon after the first start', async () => {
  await start()
  await pass(hour / 4)
  expect(made).toEqual([soon])
  await pass(24 * hour)
  expect(made).toHaveLength(1)
  change('b')
  await pass(24 * hour)
  expect(made).toEqual([soon, expect.stringMatching(/^2026-06-0[23]T(00|12):0[05]:00/)])
  await running.stop(AbortSignal.timeout(1000))
  await start()
  await pass(24 * hour)
  expect(made).toHaveLength(2)
})

it('keeps as many as it is told, the newest', async () => {
  await start({ etcdSnapshotScheduleCron: '@hourly', etcdSnapshotRetention: '2' })
  for (const mark of ['b', 'c', 'd', 'e']) {
    change(mark)
    await pass(hour)
  }
  expect(made.length).toBeGreaterThan(3)
  expect(listCopies(copies()).map(({ revision }) => revision)).toEqual([41, 31])
  expect(readdirSync(copies())).toHaveLength(2)
})

it('a copy that should have been made while the box was off is made soon after the start', async () => {
  mkdirSync(copies(), { recursive: true })
  writeFileSync(join(copies(), 'state-20260529T120000Z-r1-abcdefabcdef.tar.gz'), 'x')
  await start()
  await pass(hour / 4)
  expect(made).toEqual([soon])
})

it('a clock that was wrong neither stops it nor makes it hurry', async () => {
  clock.setWall(0)
  await start()
  await pass(hour)
  expect(made).toEqual([])
  clock.setWall(Date.UTC(2026, 5, 1, 3))
  await pass(2 * hour)
  expect(made).toHaveLength(1)
  change('b')
  clock.setWall(Date.UTC(2026, 4, 1, 3))
  await pass(2 * hour)
  expect(made).toHaveLength(1)
  await pass(11 * hour)
  expect(made).toHaveLength(2)
})

it('tries again within an hour when it could not be done', async () => {
  broken = 'disk full'
  await start()
  await pass(hour)
  broken = undefined
  await pass(hour)
  expect(made).toHaveLength(1)
})

it('a schedule that is none is refused', async () => {
  await start()
  const options = loadOptions({ command: 'server', flags: { dataDir, config: '/none', etcdSnapshotScheduleCron: 'often' }, environment: {}, readFile: () => '' })
  expect(() => stateCopies({ config: completeServerConfig(options, 'a'), describe: async () => state, clock, log: silentLogger })).toThrow('--etcd-snapshot-schedule-cron: "often" is no schedule such as "0 */12 * * *"')
})
