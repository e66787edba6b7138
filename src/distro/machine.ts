// What the machine says about itself: its name and the address others reach it at.
import { hostname, networkInterfaces } from 'node:os'
import { readIfThere } from '../base/read-file.ts'
import type { MachineFacts } from '../config/server-config.ts'

interface Network extends MachineFacts {
  /** Of the interface that holds the address; 1500 when unknown. */
  mtu: number
}

export function readMachine(): Network {
  const interfaces = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => addresses.map((a) => ({ name, ...a })))
  const usable = interfaces.filter((a) => a.family === 'IPv4' && !a.internal && !isPodBridge(a.name))
  const route = defaultRouteInterface(readIfThere('/proc/net/route'))
  const chosen = usable.find((a) => a.name === route) ?? usable[0]
  return { hostname: hostname(), address: chosen?.address, mtu: chosen ? Number(readIfThere(`/sys/class/net/${chosen.name}/mtu`)) || 1500 : 1500 }
}

const isPodBridge = (name: string) => /^(cni|veth|docker|br-|virbr)/.test(name)

/** `table` as /proc/net/route: the interface of the default route with the smallest metric. */
function defaultRouteInterface(table: string): string | undefined {
  const routes = table.split('\n').slice(1).map((line) => line.trim().split(/\s+/))
  const defaults = routes.filter(([, destination, , flags, , , , mask]) => destination === '00000000' && mask === '00000000' && (parseInt(flags ?? '0', 16) & 1) === 1)
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0]
}
