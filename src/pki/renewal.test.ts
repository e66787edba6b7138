import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import type { Running } from '../base/component.ts'
import { silentLogger } from '../base/logger.ts'
import { day } from './inspect.ts'
import { createPkiRenewal, type PkiRenewal } from './renewal.ts'
import { ensureServerPki, type ServerPki } from './server-pki.ts'
import { discardCertificates } from './services.ts'

let directory: string
let clock: FakeClock
let current: ServerPki
let renewed: ServerPki[]
let looks: number
let renewal: PkiRenewal
let running: Running
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'renewal-'))
  clock = new FakeClock(Date.UTC(2026, 5, 1))
  looks = 0
  renewed = []
  const ensure = () => {
    looks++
    return ensureServerPki({ directory, clock, nodeName: 'a', sans: [], nodeAddresses: [], clusterDomain: 'c.l', serviceIp: '10.43.0.1' })
  }
  current = await ensure()
  renewal = createPkiRenewal({ current, ensure, onRenewed: (pki) => renewed.push(pki), clock, log: silentLogger })
  running = await renewal.start(new AbortController().signal)
})
afterEach(async () => {
  await running.stop(new AbortController().signal)
  rmSync(directory, { recursive: true })
})
const patiently = { timeout: 20_000 }

it('looks once a day, and tells of nothing as long as nothing is new', async () => {
  for (let days = 1; days <= 3; days++) {
    // the next look is planned when the one before is done
    await vi.waitFor(() => {
      clock.advance(day)
      expect(looks).toBeGreaterThan(days)
    }, patiently)
  }
  expect(renewed).toEqual([])
})

it('renews what nears its end at once when the clock jumps there, and tells of it once', async () => {
  clock.setWall(clock.now() + 300 * day)
  clock.now()
  await vi.waitFor(() => expect(renewed).toHaveLength(1), patiently)
  expect(renewed[0]!.serving.certificate).not.toBe(current.serving.certificate)
  expect(renewed[0]!.serverCa).toEqual(current.serverCa)
  expect(await renewal.renew()).toEqual([])
  expect(renewed).toHaveLength(1)
})

it('makes anew what has been discarded, when asked', async () => {
  discardCertificates(directory, ['admin', 'kubelet'])
  expect(await renewal.renew()).toEqual([current.admin, current.kubelet.client, current.kubelet.serving].map(({ certificatePath }) => certificatePath))
  expect(renewed[0]!.admin.key).not.toBe(current.admin.key)
  expect(renewed[0]!.serving).toEqual(current.serving)
})
