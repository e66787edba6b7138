// The HTTP transport against the real front end: what a machine that joins the cluster will use.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiHandler } from '../api/exchange.ts'
import { configmaps, namespaces } from '../api/refs.ts'
import { StatusError, tooManyRequestsError } from '../api/status-error.ts'
import { mastersUser } from '../api/user.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { ensureServerPki, type ServerPki } from '../pki/server-pki.ts'
import type { Credentials } from '../server/authentication/authenticator.ts'
import { openHttpFrontEnd, type HttpFrontEnd } from '../server/http/front-end.ts'
import { startTestServer, type TestServer } from '../server/testing/test-server.ts'
import { createClient } from './create-client.ts'
import { HttpTransport } from './http-transport.ts'
import { createInformerFactory } from './informer-factory.ts'
import { LoopbackTransport } from './loopback-transport.ts'

let directory: string
let pki: ServerPki
let api: TestServer
let front: HttpFrontEnd
let shown: Credentials | undefined
const logged = { clock: systemClock, log: silentLogger }

/** So many requests are turned away first. */
let busy = 0
const answer: ApiHandler['handle'] = async (request) => {
  if (busy === 0) return api.server.handle(request)
  busy--
  const { status } = tooManyRequestsError('Too many requests, please try again later.', 3)
  return { status: 429, headers: { 'content-type': 'application/json' }, body: { kind: 'bytes', bytes: Buffer.from(JSON.stringify(status)) } }
}

const openFrontEnd = (port: number) => openHttpFrontEnd({
  // the server behind it lives on
  host: '127.0.0.1', port, api: { handle: answer, upgrade: async () => undefined, endWatches() {} }, log: silentLogger, authenticate: async (credentials) => ((shown = credentials), mastersUser),
  tls: { certificate: pki.serving.certificate, key: pki.serving.key, clientAuthorities: [pki.clientCa.certificate] },
})
const urlOf = () => `https://127.0.0.1:${front.address.port}`
const transport = () => new HttpTransport({ url: urlOf(), ca: pki.serverCa.certificate, certificate: () => ({ cert: pki.admin.certificate, key: pki.admin.key }), ...logged })

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'http-transport-'))
  pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n', sans: ['127.0.0.1'], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  api = await startTestServer()
  front = await openFrontEnd(0)
})
afterAll(async () => {
  await front.stop(AbortSignal.timeout(1000))
  await api.close()
  rmSync(directory, { recursive: true })
})

test('verbs, errors and text arrive as over the loopback', async () => {
  const http = transport()
  const client = createClient(http)
  const created = await client.resource(namespaces).create({ metadata: { name: 'a' } })
  expect(shown?.clientCertificate?.subject.commonName).toBe('system:admin')
  expect(Object.isFrozen(created.metadata)).toBe(true)
  await client.resource(configmaps, 'a').create({ metadata: { name: 'x' }, data: { k: 'v'.repeat(300_000) } })
  expect((await client.resource(configmaps, 'a').patch('x', [{ op: 'add', path: '/data/more', value: '1' }], { type: 'json' })).data?.['more']).toBe('1')
  await expect(client.resource(configmaps, 'a').get('missing')).rejects.toMatchObject({ code: 404, message: 'configmaps "missing" not found' })
  await http.close()
})

test('a bearer token is asked for each request', async () => {
  let token = 'one'
  const http = new HttpTransport({ url: urlOf(), ca: pki.serverCa.certificate, token: () => token, ...logged })
  for (token of ['one', 'two']) {
    await createClient(http).resource(namespaces).list()
    expect(shown?.headers['authorization']).toBe(`Bearer ${token}`)
  }
  await http.close()
})

test('a server that is busy is asked again when it says', async () => {
  const waits: number[] = []
  const clock = { ...systemClock, after: (milliseconds: number, callback: () => void) => (milliseconds === 3000 && waits.push(milliseconds), systemClock.after(milliseconds === 3000 ? 0 : milliseconds, callback)) }
  const http = new HttpTransport({ url: urlOf(), ca: pki.serverCa.certificate, log: silentLogger, clock })
  busy = 2
  expect((await createClient(http).resource(namespaces).list()).items.map((n) => n.metadata.name)).toContain('a')
  expect(waits).toEqual([3000, 3000])
  await http.close()
})

test('an informer lives through a restart of the server and misses nothing', async () => {
  const http = transport()
  const client = createClient(http)
  const factory = createInformerFactory({ client, ...logged, random: () => 0 })
  const informer = factory.informer(configmaps, { namespace: 'a' })
  await informer.whenSynced()
  const { port } = front.address
  await front.stop(AbortSignal.timeout(1000))
  const meanwhile = await createClient(new LoopbackTransport(api.server, mastersUser)).resource(configmaps, 'a').create({ metadata: { name: 'meanwhile' } })
  const refused = await client.resource(configmaps, 'a').get('x').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StatusError)
  front = await openFrontEnd(port)
  expect(await informer.reached(Number(meanwhile.metadata.resourceVersion), 20_000)).toBe(true)
  expect(informer.get('meanwhile', 'a')).toBeDefined()
  await factory.stop()
  await http.close()
})
