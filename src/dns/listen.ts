// The two sockets of a DNS server. Another server may listen at the same place at the same time, which is how one takes over from another.
import { createSocket, type Socket } from 'node:dgram'
import { createServer, isIP, type Server, type Socket as TcpSocket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { withLength } from './forward.ts'

type AnswerQuery = (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>

const idleMilliseconds = 10_000
const mostConnections = 200
/** Leaving: how long the queue is read for, and how long answers from outside are waited for. */
const drainMilliseconds = { least: 200, most: 5000 }

export interface Listening {
  /** Accepts nothing new and answers what has come; resolves when that is done. */
  leave(): Promise<void>
  close(): Promise<void>
}

/** @throws when the address or port is taken. */
export async function listen(address: string, port: number, answer: AnswerQuery): Promise<Listening> {
  const underWay = new Set<Promise<void>>()
  const udp = await openUdp(address, port, answer, underWay)
  const connections = new Set<TcpSocket>()
  let tcp: Server
  try {
    tcp = await openTcp(address, port, answer, connections)
  } catch (error) {
    udp.socket.close()
    throw error
  }
  const tcpClosed = () => new Promise<void>((resolve) => tcp.close(() => resolve()))
  return {
    async leave() {
      const closed = tcpClosed()
      await udp.refuseNew()
      await udp.quiet()
      udp.socket.close()
      await closed
    },
    async close() {
      for (const socket of connections) socket.destroy()
      await Promise.all([new Promise<void>((resolve) => udp.socket.close(() => resolve())), tcpClosed()])
    },
  }
}

async function openUdp(address: string, port: number, answer: AnswerQuery, underWay: Set<Promise<void>>) {
  const socket = await bindUdp(address, port)
  let leaving = false
  let taken = 0
  const take = (query: Buffer, from: { address: string; port: number }) => {
    taken++
    const work = answer(query, 'udp').then((reply) => {
      if (!reply) return
      if (leaving) return replyBeside(reply, from)
      socket.send(reply, from.port, from.address, () => {})
    }).finally(() => underWay.delete(work))
    underWay.add(work)
  }
  /** A connected socket sends to nobody else, so each answer goes from a socket of its own at the same place. */
  async function replyBeside(reply: Buffer, to: { address: string; port: number }): Promise<void> {
    const own = (await bindUdp(address, port)).on('message', take)
    await connectUdp(own, to.address, to.port)
    own.send(reply, () => {})
    // not waited for: it is itself a part of what is under way
    void quiet().then(() => own.close())
  }
  /** Resolves when nothing has come for a while, which a process that gets no time notices late: its queues are read between the looks. */
  async function quiet(): Promise<void> {
    const until = performance.now() + drainMilliseconds.most
    for (let before = -1; (before !== taken || underWay.size > 0) && performance.now() < until; ) {
      before = taken
      await wait(drainMilliseconds.least)
      await nextTurn()
      await nextTurn()
    }
  }
  socket.on('message', take)
  return {
    socket, quiet,
    /** The kernel gives no more queries to a connected socket, but what is in its queue can still be read. */
    async refuseNew() {
      leaving = true
      await connectUdp(socket, address, discardPort)
    },
  }
}

const discardPort = 9

function bindUdp(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', recvBufferSize: 1 << 20, reusePort: true })
    socket.once('error', reject)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Resolves also when there is no way to that address. */
const connectUdp = (socket: Socket, address: string, port: number) => new Promise<void>((resolve) => socket.connect(port, address, () => resolve()))

function openTcp(address: string, port: number, answer: AnswerQuery, connections: Set<TcpSocket>): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => serveConnection(socket, answer, connections))
    server.maxConnections = mostConnections
    server.once('error', reject)
    server.listen({ host: address, port, reusePort: true }, () => {
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
