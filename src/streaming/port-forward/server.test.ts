import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, get, type IncomingMessage, type Server } from 'node:http'
import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket, createWebSocketStream } from 'ws'
import { openSpdyConnection, type SpdyConnection } from '../spdy/connection.ts'
import { dialSpdy } from '../spdy/upgrade.ts'
import { openForwardedPort } from './client.ts'
import type { Connect } from './connect.ts'
import { servePortForward } from './server.ts'

let front: Server
let back: TcpServer
let backPort: number

const connectBack: Connect = async (port) => {
  if (port !== 80) throw new Error(`failed to connect to port ${port}`)
  const socket = connect({ port: backPort, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

beforeEach(async () => {
  back = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (question: Buffer) => socket.write(`answer to ${question}`))
    socket.on('end', () => socket.end())
  }).listen(0, '127.0.0.1')
  front = createHttpServer().listen(0, '127.0.0.1')
  front.on('upgrade', (request, socket, head) => void servePortForward(request, socket, head, connectBack))
  await Promise.all([once(back, 'listening'), once(front, 'listening')])
  backPort = (back.address() as AddressInfo).port
})
afterEach(() => (front.closeAllConnections(), front.close(), back.close()))
const address = () => `127.0.0.1:${(front.address() as AddressInfo).port}`

/** `ws` as a client takes only tokens of the RFC, which `SPDY/3.1+...` is not: the upgrade is made by hand. */
async function dialTunnel(): Promise<WebSocket> {
  const key = randomBytes(16).toString('base64')
  const call = get(`http://${address()}/portForward`, {
    headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io' },
  })
  const [response, socket, head] = (await once(call, 'upgrade')) as [IncomingMessage, Socket, Buffer]
  expect(response.headers['sec-websocket-protocol']).toBe('SPDY/3.1+portforward.k8s.io')
  const ws = new (WebSocket as unknown as new (...given: unknown[]) => WebSocket)(null, undefined, { autoPong: true, closeTimeout: 1000 })
  const attach = ws as unknown as { setSocket(socket: Socket, head: Buffer, options: object): void; _isServer: boolean }
  attach._isServer = false
  attach.setSocket(socket, head, { maxPayload: 0, skipUTF8Validation: false, allowSynchronousEvents: true })
  return ws
}

async function ask(stream: Duplex, question: string): Promise<string> {
  stream.end(question)
  return text(stream)
}

it('forwards over SPDY and tells why it could not', async () => {
  const dial = async () => (await dialSpdy(`http://${address()}/portForward`, { protocols: ['portforward.k8s.io'] })).connection
  expect(await ask(openForwardedPort(await dial(), 80), 'one')).toBe('answer to one')
  const refused = openForwardedPort(await dial(), 81)
  await expect(once(refused, 'end')).rejects.toThrow('failed to connect to port 81')
})

it('forwards several connections over SPDY inside a WebSocket', async () => {
  const ws = await dialTunnel()
  const connection: SpdyConnection = openSpdyConnection(createWebSocketStream(ws), { role: 'client' })
  const answers = ['one', 'two'].map((question, i) => {
    const headers = { port: '80', requestid: String(i) }
    connection.open({ ...headers, streamtype: 'error' }).end()
    return ask(connection.open({ ...headers, streamtype: 'data' }), question)
  })
  expect(await Promise.all(answers)).toEqual(['answer to one', 'answer to two'])
  connection.close()
})
