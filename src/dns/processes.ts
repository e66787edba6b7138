// DNS processes as mk8s sees them: each has a socket named after its pid in one directory, and its command line says who it is.
import { mkdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startDetached } from '../base/child-process.ts'
import { commandLineOf, killIfThere } from '../base/processes.ts'
import { listIfThere, readText } from '../base/read-file.ts'

export const dnsCommand = 'dns'

interface DnsProcess {
  pid: number
  socketPath: string
  build: string
}

const startMilliseconds = 120_000
const leaveMilliseconds = 8_000

/** Arguments of a process that answers for `directory`. */
export const dnsArguments = (directory: string, build: string): string[] => [dnsCommand, directory, build]

/** Those that live. */
export function runningDns(directory: string): DnsProcess[] {
  return listIfThere(directory).flatMap((name) => {
    const pid = Number(/^(\d+)\.sock$/.exec(name)?.[1])
    if (!pid) return []
    const socketPath = join(directory, name)
    const build = buildOf(pid, directory)
    if (build === undefined) rmSync(socketPath, { force: true })
    return build === undefined ? [] : [{ pid, socketPath, build }]
  })
}

/** A pid may have been given to another process. */
function buildOf(pid: number, directory: string): string | undefined {
  const words = commandLineOf(pid) ?? []
  const at = words.indexOf(directory)
  return at > 0 && words[at - 1] === dnsCommand ? words[at + 1] : undefined
}

export async function startDns(options: { directory: string; cgroup: string; command: readonly [string, ...string[]]; build: string; signal: AbortSignal }): Promise<DnsProcess> {
  const { directory, cgroup, command: [program, ...first], build, signal } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const logFile = join(directory, 'log')
  rmSync(logFile, { force: true })
  // one thread and one heap of malloc are enough for it
  const child = startDetached({ command: program, name: 'mk8s', args: [...first, ...dnsArguments(directory, build)], logFile, cgroup, env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' } })
  const ended = new Promise<'ended'>((resolve) => void child.once('exit', () => resolve('ended')).once('error', () => resolve('ended')))
  const socketPath = join(directory, `${child.pid}.sock`)
  for (const until = performance.now() + startMilliseconds; performance.now() < until; ) {
    signal.throwIfAborted()
    const socket = await openSocket(socketPath).catch(() => undefined)
    if (socket) {
      socket.destroy()
      return { pid: child.pid!, socketPath, build }
    }
    if ((await Promise.race([ended, wait(10)])) === 'ended') break
  }
  child.kill('SIGKILL')
  throw new Error(`the DNS process could not be started: ${(readText(logFile) ?? '').trim().split('\n').at(-1)}`)
}

/** Ends it; it answers what it has received first, if it can. */
export async function endDns({ pid, socketPath }: Pick<DnsProcess, 'pid' | 'socketPath'>, directory: string): Promise<void> {
  for (const [signal, patience] of [['SIGTERM', leaveMilliseconds], ['SIGKILL', leaveMilliseconds]] as const) {
    if (buildOf(pid, directory) === undefined) break
    process.kill(pid, signal)
    for (const until = performance.now() + patience; buildOf(pid, directory) !== undefined && performance.now() < until; ) await wait(50, undefined, { ref: false })
  }
  rmSync(socketPath, { force: true })
}

/** One that hangs would neither answer nor leave, and what waits in its queue is lost in any case. */
export function killDns({ pid }: Pick<DnsProcess, 'pid'>, directory: string): void {
  if (buildOf(pid, directory) !== undefined) killIfThere(pid)
}

export const openSocket = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject).on('error', () => {})))
  })
