// Who listens where on this machine, from /proc/net, without opening a port.
import { readdirSync, readlinkSync } from 'node:fs'
import { processIds } from '../../base/processes.ts'
import { readIfThere } from '../../base/read-file.ts'

export interface Listener {
  protocol: 'tcp' | 'udp'
  /** `*` for all. */
  address: string
  port: number
  inode: string
}

export interface WantedPort {
  protocol: 'tcp' | 'udp'
  /** `*` for all. */
  address: string
  port: number
  /** What it is for. */
  purpose: 'API' | 'kubelet' | 'DNS'
}

export interface PortUse extends WantedPort {
  by?: { pid: number; name: string; commandLine: string }
}

/** `table` as /proc/net/tcp, tcp6, udp or udp6. */
export function parseListeners(protocol: 'tcp' | 'udp', table: string): Listener[] {
  return table.split('\n').slice(1).flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    return state === (protocol === 'tcp' ? '0A' : '07') ? [{ protocol, address: addressOf(address), port: parseInt(port, 16), inode }] : []
  })
}

/** Each word of 32 bits is written as the machine has it in memory. */
function addressOf(hex: string): string {
  if (/^0+$/.test(hex)) return '*'
  const mapped = hex.length === 32 && hex.startsWith('0000000000000000FFFF0000') ? hex.slice(24) : hex
  if (mapped.length === 8) return mapped.match(/../g)!.reverse().map((byte) => parseInt(byte, 16)).join('.')
  return hex.match(/.{8}/g)!.map((word) => word.match(/../g)!.reverse().join('')).join('').match(/.{4}/g)!.join(':').toLowerCase()
}

export const collides = (a: Pick<Listener, 'protocol' | 'address' | 'port'>, b: Pick<Listener, 'protocol' | 'address' | 'port'>): boolean =>
  a.protocol === b.protocol && a.port === b.port && (a.address === '*' || b.address === '*' || a.address === b.address)

/** Which of the wanted ports others have. Ports of the processes that `isOurs` knows do not count. */
export function findTaken(wanted: readonly WantedPort[], isOurs: (commandLine: string, pid: number) => boolean): PortUse[] {
  const listeners = (['tcp', 'udp'] as const).flatMap((protocol) => ['', '6'].flatMap((family) => parseListeners(protocol, readIfThere(`/proc/net/${protocol}${family}`))))
  const taken = wanted.flatMap((port) => listeners.filter((listener) => collides(listener, port)).slice(0, 1).map((listener) => ({ port, listener })))
  if (taken.length === 0) return []
  const owners = ownersOf(new Set(taken.map(({ listener }) => listener.inode)))
  return taken.map(({ port, listener }) => ({ ...port, by: owners.get(listener.inode) })).filter(({ by }) => !by || !isOurs(by.commandLine, by.pid))
}

function ownersOf(inodes: ReadonlySet<string>): Map<string, NonNullable<PortUse['by']>> {
  const owners = new Map<string, NonNullable<PortUse['by']>>()
  for (const pid of processIds()) {
    for (const inode of socketsOf(pid)) {
      if (inodes.has(inode)) owners.set(inode, { pid, name: readIfThere(`/proc/${pid}/comm`).trim(), commandLine: readIfThere(`/proc/${pid}/cmdline`) })
    }
  }
  return owners
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}
