import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { day } from './inspect.ts'
import { createPkiRenewal } from './renewal.ts'
import { ensureServerPki, type ServerPki } from './server-pki.ts'

it('renews what nears its end while the server runs, and tells of it once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'renewal-'))
  const clock = new FakeClock(Date.UTC(2026, 5, 1))
  let looks = 0
  const ensure = () => {
    looks++
    return ensureServerPki({ directory, clock, nodeName: 'a', sans: [], nodeAddresses: [], clusterDomain: 'c.l', serviceIp: '10.43.0.1' })
  }
  const current = await ensure()
  const renewed: ServerPki[] = []
  const running = await createPkiRenewal({ current, ensure, onRenewed: (pki) => renewed.push(pki), clock, log: silentLogger }).start(new AbortController().signal)
  clock.advance(day)
  await vi.waitFor(() => expect(looks).toBe(2))
  clock.setWall(clock.now() + 300 * day)
  // The next look is planned when the one before is done.
  await vi.waitFor(() => {
    clock.advance(day)
    expect(renewed).toHaveLength(1)
  })
  expect(renewed[0]!.serving.certificate).not.toBe(current.serving.certificate)
  expect(renewed[0]!.serverCa).toEqual(current.serverCa)
  await running.stop(new AbortController().signal)
  rmSync(directory, { recursive: true })
})
