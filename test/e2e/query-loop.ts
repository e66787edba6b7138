// Cluster DNS asked over and over from inside a pod, while something happens to the node.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Machine } from './machine.ts'

interface QueriesSeen {
  udp: number
  tcp: number
  slowest: number
  answers: Record<string, number>
  failures: { transport: string; at: number; why: string }[]
}

/** The network namespace of the pod that has this address. */
export async function networkOf(machine: Machine, podIp: string): Promise<string> {
  const script = 'for n in /run/mk8s/containerd/*/netns/cni-* /run/mk8s/*/containerd/*/netns/cni-*; do nsenter --net=$n ip -4 -o address show dev eth0 2>/dev/null | grep -qF " $0/" && echo $n; done; true'
  return (await machine.inside('sh', ['-c', script, podIp])).trim()
}

export function startQueries(enter: readonly [string, ...string[]], server: string, name: string, ...addresses: string[]): { stop(): Promise<QueriesSeen> } {
  const [command, ...args] = enter
  const child = spawn(command, [...args, process.execPath, new URL('query-loop.mjs', import.meta.url).pathname, server, name, ...addresses], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  return {
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'close')
      return JSON.parse(printed) as QueriesSeen
    },
  }
}
