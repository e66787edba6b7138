// Port forwarding as its server sees it: over SPDY, over SPDY inside a WebSocket, or over WebSocket channels
// (source: k8s.io/cri-streaming/pkg/streaming/portforward, k8s.io/apiserver/pkg/util/proxy/streamtunnel.go).
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { copyBothWays } from '../copy-both-ways.ts'
import { isWebSocketRequest, offeredProtocols } from '../http-upgrade.ts'
import { openSpdyConnection, type SpdyStream } from '../spdy/connection.ts'
import { acceptSpdy } from '../spdy/upgrade.ts'
import type { Connect } from './connect.ts'

const protocol = 'portforward.k8s.io'
const tunnelProtocol = `SPDY/3.1+${protocol}`
const pairTimeout = 30_000

/** Resolves when the client has gone. */
export async function servePortForward(request: IncomingMessage, socket: Duplex, head: Buffer, connect: Connect): Promise<void> {
  const pairs = createPairs(connect)
  if (!isWebSocketRequest(request)) return acceptSpdy(request, socket, head, [protocol], pairs.add)?.connection.closed
  const { acceptWebSocket } = await import('../websocket/channels.ts')
  if (!offeredProtocols(request).includes(tunnelProtocol)) {
    const { servePortChannels } = await import('./websocket-ports.ts')
    return servePortChannels(request, socket, head, connect)
  }
  const accepted = await acceptWebSocket(request, socket, head, [tunnelProtocol])
  if (!accepted) return
  const { createWebSocketStream } = await import('ws')
  await openSpdyConnection(createWebSocketStream(accepted.ws), { role: 'server', onStream: pairs.add }).closed
}

/** A forwarded connection is a data stream and an error stream with one request id. */
function createPairs(connect: Connect): { add(stream: SpdyStream): void } {
  const waiting = new Map<string, { data?: SpdyStream; error?: SpdyStream; timer: NodeJS.Timeout }>()
  return {
    add(stream) {
      stream.on('error', () => {})
      const { port: portText = '', streamtype: type = '' } = stream.headers
      const port = Number(portText)
      if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`unable to parse ${JSON.stringify(portText)} as a port`)
      if (type !== 'data' && type !== 'error') throw new Error(`invalid stream type ${JSON.stringify(type)}`)
      const id = stream.headers.requestid ?? String(type === 'error' ? stream.id : stream.id - 2)
      const pair = waiting.get(id) ?? { timer: setTimeout(() => (waiting.delete(id), stream.end('timed out waiting for streams')), pairTimeout) }
      pair[type] = stream
      waiting.set(id, pair)
      if (!pair.data || !pair.error) return
      clearTimeout(pair.timer)
      waiting.delete(id)
      void forward(connect, port, pair.data, pair.error)
    },
  }
}

async function forward(connect: Connect, port: number, data: SpdyStream, errors: SpdyStream): Promise<void> {
  try {
    await copyBothWays(data, await connect(port))
    errors.end()
  } catch (error) {
    errors.end(error instanceof Error ? error.message : String(error))
    data.destroy()
  }
  errors.resume()
}
