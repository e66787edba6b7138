// The two sockets of a DNS server.
import { createSocket, type Socket } from 'node:dgram'
import { createServer, isIP, type Server, type Socket as TcpSocket } from 'node:net'
import { withLength } from './forward.ts'

type AnswerQuery = (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>

const idleMilliseconds = 10_000
const mostConnections = 200

export interface Listening {
  close(): Promise<void>
}

/** @throws when the address or port is taken. */
export async function listen(address: string, port: number, answer: AnswerQuery): Promise<Listening> {
  const udp = await openUdp(address, port, answer)
  const connections = new Set<TcpSocket>()
  let tcp: Server
  try {
    tcp = await openTcp(address, port, answer, connections)
  } catch (error) {
    udp.close()
    throw error
  }
  return {
    async close() {
      for (const socket of connections) socket.destroy()
      await Promise.all([new Promise<void>((resolve) => udp.close(() => resolve())), new Promise<void>((resolve) => tcp.close(() => resolve()))])
    },
  }
}

function openUdp(address: string, port: number, answer: AnswerQuery): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 })
    socket.on('message', (query, from) => {
      void answer(query, 'udp').then((reply) => reply && socket.send(reply, from.port, from.address, () => {}))
    })
    socket.once('error', reject)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

function openTcp(address: string, port: number, answer: AnswerQuery, connections: Set<TcpSocket>): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => serveConnection(socket, answer, connections))
    server.maxConnections = mostConnections
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function serveConnection(socket: TcpSocket, answer: AnswerQuery, connections: Set<TcpSocket>): void {
  connections.add(socket)
  let received = Buffer.alloc(0)
  socket.setTimeout(idleMilliseconds, () => socket.destroy())
  socket.on('error', () => {}).on('close', () => connections.delete(socket))
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      void answer(Buffer.from(received.subarray(2, end)), 'tcp').then((reply) => reply && !socket.destroyed && socket.write(withLength(reply)))
      received = received.subarray(end)
    }
  })
}
