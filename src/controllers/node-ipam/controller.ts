import { nodes } from '../../api/refs.ts'
import { changed, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { planNodeIpam } from './plan.ts'

/** Of an IPv4 node: 254 pods. */
const nodePrefix = 24

export const createNodeIpam = (clusterCidr: string): Controller =>
  defineController({
    name: 'node-ipam-controller',
    serviceAccount: 'node-controller',
    eventSource: 'cidrAllocator',
    // one at a time: two plans must not choose the same range
    concurrency: 1,
    watches: ({ informer }) => ({ nodes: informer(nodes) }),
    triggers: (world) => [changed(world.nodes, (node) => node.metadata.name)],
    observe(key, world) {
      const node = world.nodes.get(key)
      return node && { node, taken: new Set(world.nodes.list().map((n) => n.spec?.podCIDR ?? '')), clusterCidr, nodePrefix }
    },
    plan: planNodeIpam,
    executors: {
      async assign({ node, uid, podCidr }, { client }) {
        await client.resource(nodes).patch(node, { metadata: { uid }, spec: { podCIDR: podCidr, podCIDRs: [podCidr] } }, { type: 'strategic' })
      },
      complain: ({ node }, { events }) => events.event(node, 'Normal', 'CIDRNotAvailable', `Node ${node.metadata.name} status is now: CIDRNotAvailable`),
    },
  })
