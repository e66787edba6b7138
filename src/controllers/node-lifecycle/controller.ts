import type { Lease, Node, Pod, PodCondition } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { leases, nodes, pods } from '../../api/refs.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { unlessReplaced } from '../common/owner.ts'
import { gracePeriod, planNodeLifecycle, taintId } from './plan.ts'

const byNode = 'node'

export const nodeLifecycleController = defineController({
  name: 'node-lifecycle-controller',
  serviceAccount: 'node-controller',
  eventSource: 'node-controller',
  watches: ({ informer }) => ({
    nodes: informer(nodes), leases: informer(leases, { namespace: 'kube-node-lease' }),
    pods: informer(pods, { indexes: { [byNode]: (pod) => [pod.spec?.nodeName ?? ''] } }), memory: new Memory(),
  }),
  // a Lease that is renewed is noted, not planned for: the plan asks to be woken when silence would be too long
  triggers: (world, { clock }) => [
    { subscribe: () => world.leases.onChange((_before, now) => now && world.memory.leaseSeen(now, clock)) },
    changed(world.nodes, (node) => node.metadata.name),
    changed(world.pods, (pod) => pod.spec?.nodeName),
  ],
  observe(key, world, { clock }) {
    const node = world.nodes.get(key)
    if (!node) return world.memory.forget(key)
    const silentFor = world.memory.silence(node, clock)
    return {
      node, pods: world.pods.byIndex(byNode, key), silentFor, taintedFor: world.memory.taintAges(node, clock),
      everyNodeSilent: world.nodes.list().every((other) => world.memory.silence(other, clock) >= gracePeriod) && world.nodes.list().length > 1,
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

/** When, on the monotonic clock, this server last saw each node change something that only a living agent changes. */
class Memory {
  readonly #lease = new Map<string, number>()
  readonly #status = new Map<string, { heartbeat: string; at: number }>()
  readonly #taints = new Map<string, Map<string, number>>()

  leaseSeen(lease: Stored<Lease>, clock: Clock): void {
    this.#lease.set(lease.metadata.name, clock.monotonic())
  }

  silence(node: Stored<Node>, clock: Clock): number {
    const name = node.metadata.name
    const heartbeat = (node.status?.conditions ?? []).filter((c) => c.status !== 'Unknown').map((c) => c.lastHeartbeatTime ?? '').sort().at(-1) ?? ''
    const known = this.#status.get(name)
    if (!known || (known.heartbeat !== heartbeat && heartbeat !== '')) this.#status.set(name, { heartbeat, at: clock.monotonic() })
    return clock.monotonic() - Math.max(this.#status.get(name)!.at, this.#lease.get(name) ?? -Infinity)
  }

  taintAges(node: Stored<Node>, clock: Clock): ReadonlyMap<string, number> {
    const present = (node.spec?.taints ?? []).filter((t) => t.effect === 'NoExecute').map(taintId)
    const before = this.#taints.get(node.metadata.name)
    const since = new Map(present.map((id) => [id, before?.get(id) ?? clock.monotonic()]))
    this.#taints.set(node.metadata.name, since)
    return new Map([...since].map(([id, at]) => [id, clock.monotonic() - at]))
  }

  forget(name: string): undefined {
    this.#lease.delete(name)
    this.#status.delete(name)
    this.#taints.delete(name)
  }
}
