import type { Pod, PodCondition } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { leases, nodes, pods } from '../../api/refs.ts'
import type { Client } from '../../client/client.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { unlessReplaced } from '../common/owner.ts'
import { gracePeriod, planNodeLifecycle } from './plan.ts'
import { SignsOfLife } from './signs-of-life.ts'

const byNode = 'node'

export const nodeLifecycleController = defineController({
  name: 'node-lifecycle-controller',
  serviceAccount: 'node-controller',
  eventSource: 'node-controller',
  watches: ({ informer }) => ({
    nodes: informer(nodes), leases: informer(leases, { namespace: 'kube-node-lease' }),
    pods: informer(pods, { indexes: { [byNode]: (pod) => [pod.spec?.nodeName ?? ''] } }), signs: new SignsOfLife(),
  }),
  // a Lease that is renewed is noted, not planned for: the plan asks to be woken when silence would be too long
  triggers: (world, { clock }) => [
    { subscribe: () => world.leases.onChange((_before, now) => now && world.signs.leaseSeen(now, clock)) },
    changed(world.nodes, (node) => node.metadata.name),
    changed(world.pods, (pod) => pod.spec?.nodeName),
  ],
  observe(key, world, { clock }) {
    const node = world.nodes.get(key)
    if (!node) return world.signs.forget(key)
    const silentFor = world.signs.silence(node, clock)
    return {
      node, pods: world.pods.byIndex(byNode, key), silentFor, taintedFor: world.signs.taintAges(node, clock),
      everyNodeSilent: world.nodes.list().every((other) => world.signs.silence(other, clock) >= gracePeriod) && world.nodes.list().length > 1,
    }
  },
  plan: planNodeLifecycle,
  executors: {
    async markUnknown({ node, conditions }, { client, events }) {
      await client.resource(nodes).patch(node.metadata.name, { status: { conditions } }, { type: 'strategic', subresource: 'status' })
      if (conditions.some((c) => c.type === 'Ready')) events.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`)
    },
    async setTaints({ node, taints }, { client }) {
      await client.resource(nodes).patch(node.metadata.name, { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } }, { type: 'merge' })
    },
    async markPodsNotReady(step, { client, events }) {
      for (const pod of step.pods) {
        const ready: PodCondition = { type: 'Ready', status: 'False', lastTransitionTime: step.now }
        await patchStatus(client, pod, [ready])
        events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
      }
    },
    async evict(step, { client, events }) {
      for (const pod of step.pods) {
        events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`)
        const target: PodCondition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint', lastTransitionTime: step.now }
        await patchStatus(client, pod, [target])
        await client.resource(pods, pod.metadata.namespace).delete(pod.metadata.name, { preconditions: { uid: pod.metadata.uid } }).catch(unlessReplaced)
      }
    },
  },
})

const patchStatus = (client: Client, pod: Stored<Pod>, conditions: PodCondition[]) =>
  client.resource(pods, pod.metadata.namespace).patch(pod.metadata.name, { metadata: { uid: pod.metadata.uid }, status: { conditions } }, { type: 'strategic', subresource: 'status' }).catch(unlessReplaced)
