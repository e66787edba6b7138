import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { mastersUser } from '../../api/user.ts'
import { ensureServerPki, type ServerPki } from '../../pki/server-pki.ts'
import type { Credentials } from '../authentication/authenticator.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { openHttpFrontEnd, type HttpFrontEnd } from './front-end.ts'

let directory: string
let pki: ServerPki
let api: TestServer
let front: HttpFrontEnd
let shown: Credentials | undefined
const tls = () => ({ certificate: pki.serving.certificate, key: pki.serving.key, clientAuthorities: [pki.clientCa.certificate] })

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'front-end-'))
  pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n', sans: ['127.0.0.1'], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  api = await startTestServer()
  front = await openHttpFrontEnd({ host: '127.0.0.1', port: 0, tls: tls(), api: api.server, log: silentLogger, authenticate: async (credentials) => ((shown = credentials), mastersUser) })
})
afterAll(async () => {
  await front.stop(AbortSignal.timeout(1000))
  await api.close()
  rmSync(directory, { recursive: true })
})

const connect = () => http2.connect(`https://127.0.0.1:${front.address.port}`, { ca: pki.serverCa.certificate, cert: pki.admin.certificate, key: pki.admin.key })

async function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: Buffer) {
  const stream = session.request(headers)
  stream.end(body)
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { status: head[':status'], head, text: Buffer.concat(chunks).toString() }
}

it('speaks HTTP/2, and knows the client certificate', async () => {
  const session = connect()
  const created = await ask(session, { ':method': 'POST', ':path': '/api/v1/namespaces', 'content-type': 'application/json' }, Buffer.from('{"metadata":{"name":"h2"}}'))
  expect(created.status).toBe(201)
  expect(shown?.clientCertificate?.subject).toEqual({ commonName: 'system:admin', organizations: ['system:masters'] })
  expect((await ask(session, { ':path': '/api/v1/namespaces/h2' })).text).toBe(created.text)
  session.close()
})

it('speaks HTTP/1.1 on the same port', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    https.get({ host: '127.0.0.1', port: front.address.port, path: '/version', ca: pki.serverCa.certificate, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text))
    }).on('error', reject)
  })
  expect(JSON.parse(answer).gitVersion).toMatch(/^v1\.36\.\d+\+mk8s/)
})

it('refuses a body that is too large', async () => {
  const session = connect()
  const { text } = await ask(session, { ':method': 'POST', ':path': '/api/v1/namespaces', 'content-type': 'application/json' }, Buffer.alloc(3 * 1024 * 1024 + 1, 0x20))
  expect(JSON.parse(text)).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' })
  session.close()
})

it('takes a new certificate while it runs', async () => {
  const before = connect()
  await once(before, 'connect')
  rmSync(pki.serving.certificatePath)
  pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n', sans: ['127.0.0.1', '127.0.0.2'], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  front.reload(tls())
  const after = connect()
  await once(after, 'connect')
  const serial = (session: http2.ClientHttp2Session) => (session.socket as import('node:tls').TLSSocket).getPeerCertificate().serialNumber
  expect(serial(after)).not.toBe(serial(before))
  before.close()
  after.close()
})

it('ends watches when it stops', async () => {
  const own = await startTestServer()
  const other = await openHttpFrontEnd({ host: '127.0.0.1', port: 0, tls: tls(), api: own.server, log: silentLogger, authenticate: async () => mastersUser })
  const session = http2.connect(`https://127.0.0.1:${other.address.port}`, { ca: pki.serverCa.certificate })
  const stream = session.request({ ':path': '/api/v1/namespaces?watch=1' })
  await once(stream, 'response')
  const ended = once(stream.resume(), 'end')
  await other.stop(AbortSignal.timeout(20_000))
  await ended
  await own.close()
})
