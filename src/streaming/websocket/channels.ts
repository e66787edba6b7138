// Channels over one WebSocket: each message starts with its channel's number (source: k8s.io/streaming/pkg/httpstream/wsstream).
import type { IncomingMessage } from 'node:http'
import { Readable, Writable, type Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { offeredProtocols, refuseUpgrade } from '../http-upgrade.ts'

const closeSignal = 255
const largestMessage = 32 * 1024 * 1024

/** Undefined when there is no common protocol: the client has been told. A client that offers none gets '' where that is supported. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, supported: readonly string[]): Promise<{ ws: WebSocket; protocol: string } | undefined> {
  const offered = offeredProtocols(request)
  const protocol = offered.length === 0 ? supported.find((name) => name === '') : offered.find((name) => supported.includes(name))
  if (protocol === undefined) {
    refuseUpgrade(socket, 403, `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${supported.join(' ')}]`)
    return Promise.resolve(undefined)
  }
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: largestMessage })
  // `ws` takes only the RFC's tokens for protocols, which `SPDY/3.1+portforward.k8s.io` is not: the header is answered here.
  delete request.headers['sec-websocket-protocol']
  if (protocol) server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
  return new Promise((resolve) => {
    socket.once('close', () => resolve(undefined))
    server.handleUpgrade(request, socket, head, (ws) => resolve({ ws, protocol }))
  })
}

export interface Channels {
  readable(channel: number): Readable
  writable(channel: number): Writable
  /** Calls back with whole messages of a channel, without back-pressure: for small ones. */
  onMessage(channel: number, listener: (data: Buffer) => void): void
  close(): void
  readonly closed: Promise<void>
}

interface ChannelOptions {
  base64: boolean
  /** Whether [255, channel] ends a channel (protocol version 5). */
  hasCloseSignal: boolean
}

export function openChannels(ws: WebSocket, { base64, hasCloseSignal }: ChannelOptions): Channels {
  const closed = Promise.withResolvers<void>()
  const readables = new Map<number, Readable>()
  const listeners = new Map<number, (data: Buffer) => void>()
  const full = new Set<number>()
  const end = (channel: number) => {
    readables.get(channel)?.push(null)
    readables.delete(channel)
  }

  ws.on('message', (message: Buffer | ArrayBuffer | Buffer[]) => {
    const all = Buffer.isBuffer(message) ? message : Array.isArray(message) ? Buffer.concat(message) : Buffer.from(message)
    if (all.length === 0) return
    if (hasCloseSignal && all[0] === closeSignal) return end(all[1] ?? -1)
    const channel = base64 ? all[0]! - 0x30 : all[0]!
    const data = base64 ? Buffer.from(all.toString('latin1', 1), 'base64') : all.subarray(1)
    listeners.get(channel)?.(data)
    const readable = readables.get(channel)
    if (!readable || data.length === 0 || readable.destroyed || readable.push(data)) return
    full.add(channel)
    ws.pause()
  })
  ws.on('error', () => {})
  ws.on('close', () => {
    for (const channel of [...readables.keys()]) end(channel)
    closed.resolve()
  })

  return {
    closed: closed.promise,
    readable(channel) {
      const resume = () => void (full.delete(channel) && full.size === 0 && ws.readyState === ws.OPEN && ws.resume())
      const readable = new Readable({ highWaterMark: 256 * 1024, read: resume, destroy: (error, done) => (resume(), done(error)) })
      readables.set(channel, readable)
      return readable
    },
    writable(channel) {
      const send = (data: Buffer, done: (error?: Error | null) => void) =>
        ws.send(base64 ? String.fromCharCode(0x30 + channel) + data.toString('base64') : Buffer.concat([Buffer.from([channel]), data]), { binary: !base64 }, () => done())
      return new Writable({ write: (chunk: Buffer, _encoding, done) => (ws.readyState === ws.OPEN ? send(chunk, done) : done()) })
    },
    onMessage: (channel, listener) => void listeners.set(channel, listener),
    close: () => ws.close(1000),
  }
}
