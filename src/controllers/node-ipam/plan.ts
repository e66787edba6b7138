// Every node gets a part of the cluster's range of pod addresses, and keeps it.
import type { Node } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { cidrSize, formatAddress, parseCidr } from '../../base/cidr.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'

type NodeIpamStep = { do: 'assign'; node: string; uid: string; podCidr: string } | { do: 'complain'; node: Stored<Node> }

interface Observed {
  node: Stored<Node>
  /** Ranges that nodes have. */
  taken: ReadonlySet<string>
  clusterCidr: string
  /** Of a node's range, as in 24. */
  nodePrefix: number
}

export function planNodeIpam({ node, taken, clusterCidr, nodePrefix }: Observed): Plan<NodeIpamStep> {
  if (node.spec?.podCIDR) return nothingToDo
  const podCidr = firstFree(clusterCidr, nodePrefix, taken)
  return { steps: [podCidr ? { do: 'assign', node: node.metadata.name, uid: node.metadata.uid, podCidr } : { do: 'complain', node }] }
}

function firstFree(clusterCidr: string, nodePrefix: number, taken: ReadonlySet<string>): string | undefined {
  const cluster = parseCidr(clusterCidr)!
  const size = cidrSize({ ...cluster, prefix: nodePrefix })
  for (let base = cluster.base; base < cluster.base + cidrSize(cluster); base += size) {
    const candidate = `${formatAddress(cluster.family, base)}/${nodePrefix}`
    if (!taken.has(candidate)) return candidate
  }
  return undefined
}
