// A stream of bytes as WebSocket messages, for clients that read logs so (source: k8s.io/streaming/pkg/httpstream/wsstream/stream.go).
import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { acceptWebSocket } from './channels.ts'

const protocols = ['', 'binary.k8s.io', 'base64.binary.k8s.io']

export async function sendOverWebSocket({ message, socket, head }: { message: IncomingMessage; socket: Duplex; head: Buffer }, from: Readable): Promise<void> {
  const accepted = await acceptWebSocket(message, socket, head, protocols)
  if (!accepted) return void from.destroy()
  const { ws, protocol } = accepted
  const isText = protocol.startsWith('base64')
  const send = (data: Buffer) => new Promise<void>((resolve) => ws.send(isText ? data.toString('base64') : data, { binary: !isText }, () => resolve()))
  ws.on('error', () => {})
  ws.on('close', () => from.destroy())
  try {
    // An empty message tells the client that the connection stands.
    await send(Buffer.alloc(0))
    for await (const chunk of from as AsyncIterable<Buffer>) await send(chunk)
  } catch {
    // The client has gone, or the log broke off: the connection ends either way.
  } finally {
    ws.close(1000)
  }
}
