// The CNI configuration of a node's pod network, as values: bridge with host-local addresses, host ports by portmap.
import { addressAt, parseCidr } from '../base/cidr.ts'

/** CNI's plug-ins note it in what they leave. */
export const podNetworkName = 'mk8s'

export interface PodNetworkPlan {
  bridge: string
  /** This node's part of the cluster's range, as in `10.42.0.0/24`. */
  podCidr: string
  /** The bridge's own address: first of the range, and the pods' default gateway. */
  gateway: string
  /** Fixed, so that the bridge's address does not change with its ports. */
  bridgeMac: string
  mtu: number
  /** Where host-local keeps which address is taken: gone after a reboot, as the pods are. */
  addressDirectory: string
}

export function planPodNetwork(options: { podCidr: string; bridge: string; mtu: number; addressDirectory: string }): PodNetworkPlan {
  const cidr = parseCidr(options.podCidr)
  if (!cidr) throw new RangeError(`${JSON.stringify(options.podCidr)} is not a range of addresses`)
  const gateway = addressAt(cidr, 1)
  const bytes = [24n, 16n, 8n, 0n].map((shift) => Number(((cidr.base + 1n) >> shift) & 255n).toString(16).padStart(2, '0'))
  return { ...options, gateway, bridgeMac: ['0a', '58', ...bytes].join(':') }
}

export function renderConflist(plan: PodNetworkPlan): string {
  const plugins = [
    {
      type: 'bridge', bridge: plan.bridge, isGateway: true, isDefaultGateway: true, forceAddress: false, ipMasq: false, hairpinMode: true, mtu: plan.mtu,
      ipam: { type: 'host-local', ranges: [[{ subnet: plan.podCidr }]], dataDir: plan.addressDirectory },
    },
    { type: 'portmap', capabilities: { portMappings: true }, snat: true },
  ]
  return JSON.stringify({ cniVersion: '0.4.0', name: podNetworkName, plugins }, null, 2) + '\n'
}
