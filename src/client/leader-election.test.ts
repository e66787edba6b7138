import { expect, test } from 'vitest'
import type { Lease } from '../api/generated/types.ts'
import type { Stored } from '../api/object.ts'
import { conflictError, notFoundError, unavailableError } from '../api/status-error.ts'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import type { Client } from './client.ts'
import { runAsLeader } from './leader-election.ts'

function leaseServer() {
  let lease: Stored<Lease> | undefined
  let revision = 1
  const server = { down: false, slow: undefined as Promise<void> | undefined, lease: () => lease }
  const store = (object: Lease): Stored<Lease> => (lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } } as Stored<Lease>)
  const resource = {
    async get() {
      if (server.down) throw unavailableError('down')
      if (!lease) throw notFoundError({ group: '', resource: 'leases' }, 'x')
      return lease
    },
    async create(object: Lease) {
      return store(object)
    },
    async update(object: Lease) {
      await server.slow
      if (server.down) throw unavailableError('down')
      if (object.metadata?.resourceVersion !== lease?.metadata.resourceVersion) throw conflictError({ group: '', resource: 'leases' }, 'x', 'modified')
      return store(object)
    },
  }
  return { server, client: { resource: () => resource } as unknown as Client }
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

test('a second candidate takes over after the Lease ran out on its own clock, whatever the wall clock says', async () => {
  const { client, server } = leaseServer()
  const clock = new FakeClock()
  const run = (identity: string, stop: AbortController) => {
    const state = { leading: false }
    const done = runAsLeader({ client, name: 'x', identity, clock, log: silentLogger }, stop.signal, async (signal) => {
      state.leading = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      state.leading = false
    })
    return { state, done }
  }
  const [stopA, stopB] = [new AbortController(), new AbortController()]
  const a = run('a', stopA)
  await turns()
  expect(a.state.leading).toBe(true)
  const b = run('b', stopB)
  await turns()
  clock.setWall(clock.now() + 86_400_000)
  for (let i = 0; i < 20; i++) (clock.advance(2_000), await turns())
  expect([a.state.leading, b.state.leading]).toEqual([true, false])
  server.down = true
  for (let i = 0; i < 8; i++) (clock.advance(2_000), await turns())
  expect(a.state.leading).toBe(false)
  server.down = false
  stopA.abort()
  clock.advance(2_000)
  await a.done
  for (let i = 0; i < 10; i++) (clock.advance(2_000), await turns())
  expect(b.state.leading).toBe(true)
  expect(server.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  stopB.abort()
  await b.done
  expect(server.lease()?.spec?.holderIdentity).toBe('')
})

test('a leader that stood still goes on when its Lease is still its own', async () => {
  const { client, server } = leaseServer()
  const clock = new FakeClock()
  const running = clock.monotonic
  const stop = new AbortController()
  let terms = 0
  const done = runAsLeader({ client, name: 'x', identity: 'a', clock, log: silentLogger }, stop.signal, async (signal) => {
    terms++
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  })
  await turns()
  const answered = Promise.withResolvers<void>()
  server.slow = answered.promise
  clock.monotonic = () => running() + 60_000
  clock.advance(10_000)
  await turns()
  clock.advance(5_000)
  await turns()
  answered.resolve()
  await turns()
  for (let i = 0; i < 20; i++) (clock.advance(2_000), await turns())
  expect(terms).toBe(1)
  stop.abort()
  await done
})
