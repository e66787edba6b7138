// Port forwarding over WebSocket channels: for the n-th port of the query, channel 2n carries data and 2n+1 errors, and both start with the port.
import type { IncomingMessage } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { refuseUpgrade } from '../http-upgrade.ts'
import { acceptWebSocket, openChannels, type Channels } from '../websocket/channels.ts'
import type { Connect } from './connect.ts'

const protocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', '']

export async function servePortChannels(request: IncomingMessage, socket: Duplex, head: Buffer, connect: Connect): Promise<void> {
  const ports = new URL(request.url ?? '/', 'http://node').searchParams.getAll('port').flatMap((value) => value.split(',')).map(Number)
  if (ports.length === 0) return refuseUpgrade(socket, 400, 'query parameter "port" is required')
  if (!ports.every((port) => Number.isInteger(port) && port > 0 && port < 65536)) return refuseUpgrade(socket, 400, 'unable to parse a port')
  const accepted = await acceptWebSocket(request, socket, head, protocols)
  if (!accepted) return
  const channels = openChannels(accepted.ws, { base64: accepted.protocol.includes('base64'), hasCloseSignal: false })
  await Promise.all(ports.map((port, i) => forward(channels, i * 2, port, connect)))
  channels.close()
}

async function forward(channels: Channels, first: number, port: number, connect: Connect): Promise<void> {
  const [input, output, errors] = [channels.readable(first), channels.writable(first), channels.writable(first + 1)]
  const announced = Buffer.alloc(2)
  announced.writeUInt16LE(port)
  for (const stream of [output, errors] as Writable[]) stream.write(announced)
  try {
    const remote = await connect(port)
    await Promise.race([Promise.all([pipeline(input, remote), pipeline(remote, output)]), channels.closed.then(() => remote.destroy())])
  } catch (error) {
    errors.end(error instanceof Error ? error.message : String(error))
  }
}
