// The DNS process: answers from what it was told last, also when nobody tells it anything any more, as while mk8s restarts. Its memory is
// part of every idle node, so nothing is imported here that an answer does not need.
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { answer } from './answer.ts'
import { receive, send, type DnsSettings, type Fact, type FromDns, type ToDns } from './feed.ts'
import { createForwarder } from './forward.ts'
import { listen, type Listening } from './listen.ts'
import { ToldWorld } from './told-world.ts'

const outsideTimeoutMilliseconds = 2000

/** Serves until `signal`, and then what has come by then. Its socket `<pid>.sock` is in `directory`. */
export async function serveDns({ directory, signal }: { directory: string; signal: AbortSignal }): Promise<void> {
  const names = createNameServer()
  const feeders = new Set<Socket>()
  const server = createServer((socket) => {
    feeders.add(socket)
    socket.on('error', () => {}).on('close', () => feeders.delete(socket))
    const world = new ToldWorld()
    let order = Promise.resolve()
    receive<ToDns>(socket, (message) => {
      if (isFact(message)) return world.take(message)
      const reply = (result: FromDns) => void send(socket, result)
      if ('alive' in message) return reply(message)
      order = order.then(() => names.use(world, message.complete, (error) => reply({ failed: error.message }))).then(() => reply({ listening: true }), (error: Error) => reply({ refused: error.message }))
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(join(directory, `${process.pid}.sock`), resolve))
  await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
  server.close()
  for (const feeder of feeders) feeder.destroy()
  await names.leave()
}

const isFact = (message: ToDns): message is Fact => 'kind' in message

function createNameServer() {
  let at: { address: string; port: number; listening: Listening } | undefined
  let current: { world: ToldWorld; zone: string; forward: ReturnType<typeof createForwarder>; report(error: Error): void }

  const reply = async (query: Buffer, transport: 'udp' | 'tcp') => {
    const { report, ...options } = current
    try {
      return await answer(query, transport, options)
    } catch (error) {
      report(error as Error)
      return undefined
    }
  }

  return {
    async use(world: ToldWorld, { address, port, clusterDomain, resolvConf, serviceAddress }: DnsSettings, report: (error: Error) => void): Promise<void> {
      const forward = createForwarder({ resolvConf, ownAddresses: [address, serviceAddress], timeoutMilliseconds: outsideTimeoutMilliseconds })
      current = { world, zone: clusterDomain.toLowerCase(), forward, report }
      if (at?.address === address && at.port === port) return
      const before = at
      at = { address, port, listening: await listen(address, port, reply) }
      void before?.listening.leave()
    },
    leave: async () => at?.listening.leave(),
  }
}
