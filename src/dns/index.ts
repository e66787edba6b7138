// The cluster DNS as a component. What answers is a process of its own, which goes on while mk8s restarts: this finds or starts it, tells it
// what the informers see, and starts it again when it has ended or hangs. One of another build of mk8s is replaced; it leaves when the new one listens.
import type { Socket } from 'node:net'
import * as refs from '../api/refs.ts'
import { objectKey } from '../api/object.ts'
import type { EndpointSlice, Namespace, Service } from '../api/generated/types.ts'
import { createBackOff } from '../base/back-off.ts'
import { sleep, type Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { InformerFactory } from '../client/informer.ts'
import { receive, send, serviceFacts, sliceFacts, type DnsSettings, type Fact, type FromDns } from './feed.ts'
import { startHeartbeat } from './heartbeat.ts'
import { endDns, killDns, openSocket, runningDns, startDns } from './processes.ts'

interface DnsOptions {
  settings: DnsSettings
  informers: InformerFactory
  /** Where the sockets of DNS processes are. */
  directory: string
  /** Of a process that outlives us. */
  cgroup: string
  /** The program that serves when `dnsArguments` follow. */
  command: readonly [string, ...string[]]
  /** Says which program it is. */
  build: string
  clock: Clock
  log: Logger
}

const mostUnread = 16 << 20
const healthyMilliseconds = 60_000

export function createDns(options: DnsOptions): Component {
  return {
    name: 'dns',
    async start(signal) {
      const { clock, log } = options
      const stopped = new AbortController()
      const state = watchState(options.informers)
      const [process] = await Promise.all([obtain(options, signal), state.synced(signal)])
      let feed = await feedTo(process, state, options).catch(async (error: unknown) => {
        if (process.isNew) throw error
        log.error('the DNS process that runs already does not serve and is replaced', { pid: process.pid, error })
        return feedTo(await obtain(options, signal), state, options)
      })
      void keep()

      async function keep(): Promise<void> {
        const backOff = createBackOff({ initialMilliseconds: 20, maximumMilliseconds: 30_000, random: Math.random })
        for (;;) {
          const since = clock.monotonic()
          await feed.closed
          if (stopped.signal.aborted) return
          if (clock.monotonic() - since > healthyMilliseconds) backOff.reset()
          log.error('the DNS process has ended and is started again', { pid: feed.pid })
          for (let again = true; again; ) {
            try {
              await sleep(clock, backOff.next(), stopped.signal)
              feed = await feedTo(await obtain(options, stopped.signal), state, options)
              again = false
            } catch (error) {
              if (stopped.signal.aborted) return
              log.error('the DNS process does not serve', { error })
            }
          }
          if (stopped.signal.aborted) feed.leave()
        }
      }

      return {
        failed: new Promise(() => {}),
        async stop() {
          stopped.abort(new Error('stopped'))
          state.end()
          feed.leave()
        },
      }
    },
  }
}

/** Ends what an earlier run may have left, where this one is to have no DNS. */
export const withoutDns = (directory: string): Component => ({
  name: 'no dns',
  async start() {
    await Promise.all(runningDns(directory).map((process) => endDns(process, directory)))
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
})

type Obtained = Awaited<ReturnType<typeof obtain>>

async function obtain({ directory, cgroup, command, build }: DnsOptions, signal: AbortSignal) {
  const running = runningDns(directory).find((one) => one.build === build)
  return running ? { ...running, isNew: false } : { ...(await startDns({ directory, cgroup, command, build, signal })), isNew: true }
}

interface Feed {
  pid: number
  closed: Promise<void>
  leave(): void
}

/** Resolves when the process listens. One that does not is ended. */
async function feedTo(process: Obtained, state: State, options: DnsOptions): Promise<Feed> {
  const { settings, directory, log } = options
  const socket = await openSocket(process.socketPath).catch((error: Error) => error)
  const problem = socket instanceof Error ? socket.message : await introduce(socket, process, state, options)
  if (socket instanceof Error || problem !== undefined) {
    await endDns(process, directory)
    throw new Error(problem)
  }
  const others = runningDns(directory).filter(({ pid }) => pid !== process.pid)
  for (const other of others) void endDns(other, directory)
  log.info('the DNS process serves', { pid: process.pid, address: settings.address, replaces: others.length })
  return { pid: process.pid, closed: new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))), leave: () => void socket.end() }
}

/** @returns what is wrong. */
function introduce(socket: Socket, { pid }: Obtained, state: State, { settings, directory, clock, log }: DnsOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const heartbeat = startHeartbeat({
      clock, ask: () => void send(socket, { alive: true }),
      hung() {
        log.error('the DNS process does not answer and is killed', { pid })
        killDns({ pid }, directory)
        resolve('the DNS process does not answer')
        socket.destroy()
      },
    })
    receive<FromDns>(socket, (message) => {
      if ('alive' in message) heartbeat.answered()
      else if ('listening' in message) resolve(undefined)
      else if ('refused' in message) resolve(message.refused)
      else log.error('DNS query failed', { error: message.failed })
    })
    const unsubscribe = state.tell((fact) => {
      send(socket, fact)
      // one that does not read any more is replaced
      if (socket.writableLength > mostUnread) socket.destroy()
    })
    socket.once('close', () => {
      heartbeat.stop()
      unsubscribe()
      resolve('the DNS process ended')
    })
    send(socket, { complete: settings })
    heartbeat.ask()
  })
}

interface State {
  synced(signal: AbortSignal): Promise<unknown>
  /** Calls for every fact there is, and for every change. @returns a function that ends that. */
  tell(listener: (fact: Fact) => void): () => void
  end(): void
}

function watchState(informers: InformerFactory): State {
  const services = informers.informer<Service>(refs.services)
  const namespaces = informers.informer<Namespace>(refs.namespaces)
  const slices = informers.informer<EndpointSlice>(refs.endpointslices)
  const ends = new Set<() => void>()
  return {
    synced: (signal) => Promise.all([services, slices, namespaces].map((informer) => informer.whenSynced(signal))),
    tell(listener) {
      const subscriptions = [
        services.onChange((before, now) => listener({ kind: 'service', key: objectKey((now ?? before)!), object: now && serviceFacts(now) })),
        slices.onChange((before, now) => listener({ kind: 'slice', key: objectKey((now ?? before)!), object: now && sliceFacts(now) })),
        namespaces.onChange((before, now) => before && now ? undefined : listener({ kind: 'namespace', key: (now ?? before)!.metadata.name, object: now && {} })),
      ]
      const end = () => subscriptions.forEach((unsubscribe) => unsubscribe())
      ends.add(end)
      return () => (ends.delete(end), end())
    },
    end: () => ends.forEach((end) => end()),
  }
}
