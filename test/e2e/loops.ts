// Programs that ask the cluster something over and over from inside a pod's network, while something happens to the node.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Machine } from './machine.ts'

interface Loop<Seen> {
  /** It asks from now on. */
  begun: Promise<unknown>
  stop(): Promise<Seen>
}

type Enter = readonly [string, ...string[]]

interface QueriesSeen {
  udp: number
  tcp: number
  slowest: number
  answers: Record<string, number>
  failures: { transport: string; at: number; why: string }[]
}

interface StreamSeen {
  place: string
  echoed: number
  /** In milliseconds. */
  slowest: number
  failures: string[]
}

const namespaces = '/run/mk8s/containerd/io.containerd.grpc.v1.cri/netns'

/** Enters the network of the pod that has this address. */
export async function networkOf(machine: Machine, podIp: string): Promise<Enter> {
  const script = `for n in ${namespaces}/cni-*; do nsenter --net=$n ip -4 -o address show dev eth0 2>/dev/null | grep -qF " $0/" && echo $n; done; true`
  return machine.enterNetwork((await machine.inside('sh', ['-c', script, podIp])).trim())
}

export const startQueries = (enter: Enter, server: string, name: string, ...addresses: string[]): Loop<QueriesSeen> => start(enter, 'query-loop.mjs', [server, name, ...addresses])

/** `places` are as `10.43.0.7:80`. */
export const startStreams = (enter: Enter, ...places: string[]): Loop<StreamSeen[]> => start(enter, 'stream-loop.mjs', places)

function start<Seen>([command, ...first]: Enter, program: string, args: readonly string[]): Loop<Seen> {
  const child = spawn(command, [...first, process.execPath, new URL(program, import.meta.url).pathname, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  // each prints an empty line when it begins
  const begun = Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  return {
    begun,
    async stop() {
      await begun
      child.kill('SIGTERM')
      await once(child, 'close')
      return JSON.parse(printed) as Seen
    },
  }
}
