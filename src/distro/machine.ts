// What the machine says about itself: its name and the address others reach it at.
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { hostname, networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { run } from '../base/child-process.ts'
import { readIfThere } from '../base/read-file.ts'

/** With the name of its interface. */
export type NamedAddress = NetworkInterfaceInfo & { name: string }

/** Addresses of interfaces that are up and have a carrier. */
export const readAddresses = (): NamedAddress[] => Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => addresses.map((a) => ({ name, ...a })))

export const readHostname = (): string => hostname().toLowerCase()

/** 1500 when unknown. */
export const mtuOf = (name: string | undefined): number => (name && Number(readIfThere(`/sys/class/net/${name}/mtu`))) || 1500

/** IPv4 routes as /proc/net/route shows them; an address has one, unless it is alone in its network. */
export const readRoutes = (): string => readIfThere('/proc/net/route')
/** Whether the machine goes down or starts anew, as systemd says; without systemd nobody does. */
export async function isMachineStopping(): Promise<boolean> {
  if (!existsSync('/run/systemd/system')) return false
  const { stdout } = await run('systemctl', ['is-system-running'], { timeoutMilliseconds: 5000 }).catch(() => ({ stdout: '' }))
  return stdout.trim() === 'stopping'
}

export const readDefaultRoute = (): string | undefined => defaultRouteInterface(readRoutes())

/** `table` as /proc/net/route: the interface of the default route with the smallest metric. */
export function defaultRouteInterface(table: string): string | undefined {
  const routes = table.split('\n').slice(1).map((line) => line.trim().split(/\s+/))
  const defaults = routes.filter(([, destination, , flags, , , , mask]) => destination === '00000000' && mask === '00000000' && (parseInt(flags ?? '0', 16) & 1) === 1)
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0]
}

interface Choice {
  addresses: readonly NamedAddress[]
  defaultRoute: string | undefined
  /** The address so far: it stays where another would be no better. */
  current: string | undefined
  /** `current` is configured on this machine, be it on an interface without a carrier. */
  stillOurs: boolean
}

/** The address under which others reach this machine: one of the interface with the default route; else any. */
export function chooseAddress({ addresses, defaultRoute, current, stillOurs }: Choice): string | undefined {
  const usable = addresses.filter((a) => a.family === 'IPv4' && !a.internal && !isPodBridge(a.name) && !isLinkLocal(a.address))
  const onRoute = usable.filter((a) => a.name === defaultRoute)
  if (onRoute.length > 0) return (onRoute.find((a) => a.address === current) ?? onRoute[0]!).address
  return stillOurs ? current : usable[0]?.address
}

const isPodBridge = (name: string) => /^(cni|veth|docker|br-|virbr)/.test(name)

/** What a machine gives itself when nobody gives it an address. Endpoints cannot have such addresses. */
const isLinkLocal = (address: string) => address.startsWith('169.254.')

/** Whether an address is configured on this machine: then a socket can be bound to it. */
export function isOurs(address: string): Promise<boolean> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  return new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    socket.bind({ address, port: 0, exclusive: true }, () => resolve(true))
  }).finally(() => socket.close())
}
