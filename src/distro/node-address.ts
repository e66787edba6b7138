// The node's addresses, and what follows them while the server runs. Linux tells of changes by netlink, which Node cannot read, so the interfaces are
// looked at every 15 s, where the kubelet does the same every 10 s (docs/decisions/node-address.md).
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { nodeAddresses, type NodeAddresses } from '../config/server-config.ts'
import type { Options } from '../config/options.ts'
import { chooseAddress, defaultRouteInterface, isOurs, mtuOf, readAddresses, readRoutes, type NamedAddress } from './machine.ts'

export interface NodeAddress {
  current(): NodeAddresses
  /** Of the interface that holds the address at start. */
  readonly mtu: number
  /** Looks at the machine while the server runs, and calls `follow` after a change until it has succeeded. */
  watch(follow: (before: NodeAddresses) => Promise<void>): Component
}

interface NodeAddressOptions {
  config: Options
  clock: Clock
  log: Logger
}

const lookMilliseconds = 15_000

export async function findNodeAddress({ config, clock, log }: NodeAddressOptions): Promise<NodeAddress> {
  const look = createLook()
  let address = await look(undefined)
  let current = nodeAddresses(config, address)
  const at = readAddresses()
  await explain(config, at, address, log)

  const watch: NodeAddress['watch'] = (follow) => ({
    name: 'node address',
    async start() {
      let stopped = false
      let followed = current
      const again = async () => {
        try {
          address = await look(address)
          const now = nodeAddresses(config, address)
          if (now.nodeIp !== current.nodeIp || now.advertiseAddress !== current.advertiseAddress) {
            log.info('the node has another address', { before: current.nodeIp, now: now.nodeIp })
            current = now
          }
          if (!stopped && followed !== current) {
            await follow(followed)
            followed = current
          }
        } catch (error) {
          log.warn('the new address is not in force everywhere; trying again', { error })
        }
        if (!stopped) timer = clock.after(lookMilliseconds, again)
      }
      // the network may have come up while everything started
      let timer = clock.after(1000, again)
      return {
        failed: new Promise<never>(() => {}),
        async stop() {
          stopped = true
          timer.cancel()
        },
      }
    },
  })
  return { current: () => current, mtu: mtuOf(at.find((a) => a.address === current.nodeIp)?.name), watch }
}

/** The address so far goes in, the one from now on comes out. While routes stay the same and the address is there, that is all it looks at: a list of the interfaces of many pods takes milliseconds. */
function createLook(): (current: string | undefined) => Promise<string | undefined> {
  let known: string | undefined
  return async (current) => {
    const routes = readRoutes()
    const stillOurs = current !== undefined && (await isOurs(current))
    if (stillOurs && routes === known) return current
    known = routes
    return chooseAddress({ addresses: readAddresses(), defaultRoute: defaultRouteInterface(routes), current, stillOurs })
  }
}

/** One line for each thing about the address that an administrator should know. */
async function explain(config: Options, addresses: readonly NamedAddress[], address: string | undefined, log: Logger): Promise<void> {
  if (config.nodeIp !== undefined) {
    if (!(await isOurs(config.nodeIp))) log.warn('no interface of this machine has the address given with --node-ip; the node cannot be reached at it', { address: config.nodeIp })
  } else if (address === undefined) {
    const hasIpv6 = addresses.some((a) => a.family === 'IPv6' && !a.internal && !a.address.startsWith('fe80:'))
    const why = hasIpv6 ? 'this machine has IPv6 addresses only, and mk8s needs an IPv4 address to be reached at' : 'this machine has no network'
    log.warn(`${why}; until it has an IPv4 address the node goes by that of its pod bridge, and pods work among themselves`, { address: nodeAddresses(config, undefined).nodeIp })
  }
}
