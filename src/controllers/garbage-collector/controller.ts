// Every kind that can be listed, watched and deleted is followed; what an owner's absence means is decided on live reads only.
import type { OwnerReference } from '../../api/generated/types.ts'
import { parseApiVersion, type Stored } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { StatusError, ignoreNotFound, isNotFound } from '../../api/status-error.ts'
import { sleep } from '../../base/clock.ts'
import { RecentMap } from '../../base/recent-map.ts'
import type { Client } from '../../client/client.ts'
import type { Controller, ControllerEnvironment } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { discoverResources, supports, type DiscoveredResource } from '../common/discovery.ts'
import { Graph, type Node } from './graph.ts'
import { planGarbage, type Observed, type OwnerState } from './plan.ts'

const name = 'generic-garbage-collector'
/** A kind that cannot be read must not keep the others from being collected. */
const syncMilliseconds = 30_000
const absentOwnersRemembered = 500

export const garbageCollector: Controller = {
  name,
  async run(environment, signal) {
    const { resources } = await discoverUntilKnown(environment, signal)
    const graph = new Graph()
    const followed = graph.follow(environment.informers, resources.filter(isCollected))
    const enough = sleep(environment.clock, syncMilliseconds, signal)
    await Promise.race([Promise.all(followed.map((informer) => informer.whenSynced(signal))), enough])
    await collector(graph, resources).run(environment, signal)
  },
}

const isCollected = (resource: DiscoveredResource): boolean => resource.plural !== 'events' && supports(resource, 'list', 'watch', 'delete')

async function discoverUntilKnown({ clientFor, clock, log }: ControllerEnvironment, signal: AbortSignal): ReturnType<typeof discoverResources> {
  for (;;) {
    try {
      return await discoverResources(clientFor(name))
    } catch (error) {
      log.warn('the resource types are not known yet', { controller: name, error })
      await sleep(clock, 1_000, signal)
    }
  }
}

function collector(graph: Graph, resources: readonly DiscoveredResource[]): Controller {
  const absent = new RecentMap<string, true>(absentOwnersRemembered)
  const stateOf = async (owner: OwnerReference, namespace: string | undefined, client: Client): Promise<OwnerState | undefined> => {
    const known = graph.get(owner.uid)
    if (known) return known.waits ? 'waits' : 'there'
    if (absent.get(owner.uid)) return 'absent'
    const ref = refOf(owner, resources)
    if (!ref || (ref.namespaced && !namespace)) return undefined
    const live = await client.resource(ref, namespace).get(owner.name).catch(ignoreNotFound)
    if (live?.metadata.uid === owner.uid) return 'there'
    absent.set(owner.uid, true)
    return 'absent'
  }
  return defineController({
    name,
    eventSource: 'garbage-collector-controller',
    concurrency: 20,
    watches: () => graph,
    triggers: () => [graph],
    async observe(uid, _world, { client }): Promise<Observed | undefined> {
      const node = graph.get(uid)
      if (!node || (node.isDeleting && !node.waits && !node.orphans)) return undefined
      const object = await client.resource(node.ref, node.namespace).get(node.name).catch(ignoreNotFound)
      if (!object || object.metadata.uid !== uid) return undefined
      const owners = new Map<string, OwnerState>()
      for (const owner of object.metadata.ownerReferences ?? []) {
        const state = await stateOf(owner, node.namespace, client)
        if (state) owners.set(owner.uid, state)
      }
      return { node, object, owners, dependents: graph.dependentsOf(uid) }
    },
    plan: planGarbage,
    executors: {
      async letGo({ dependent, owner }, { client }) {
        await change(client, dependent, (object) => ({ ownerReferences: (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner) }))
      },
      async removeFinalizer({ node, finalizer }, { client }) {
        await change(client, node, (object) => ({ finalizers: (object.metadata.finalizers ?? []).filter((f) => f !== finalizer) }))
      },
      async setOwners({ node, owners }, { client }) {
        await change(client, node, () => ({ ownerReferences: owners }))
      },
      async delete({ node, object, policy }, { client }) {
        const { uid, resourceVersion } = object.metadata
        const preconditions = policy === 'Foreground' ? { uid } : { uid, resourceVersion }
        await client.resource(node.ref, node.namespace).delete(node.name, { propagationPolicy: policy, preconditions }).catch(ignoreNotFound)
      },
    },
  })
}

function refOf({ apiVersion, kind }: OwnerReference, resources: readonly DiscoveredResource[]): ResourceRef | undefined {
  const { group, version } = parseApiVersion(apiVersion)
  const found = resources.find((resource) => resource.group === group && resource.kind === kind)
  return found && { ...found, version }
}

const attempts = 5

/** Reads live, so that another's change of the same list is kept. */
async function change(client: Client, node: Node, metadataOf: (object: Stored) => object): Promise<void> {
  const resource = client.resource(node.ref, node.namespace)
  for (let attempt = 1; ; attempt++) {
    const object = await resource.get(node.name).catch(ignoreNotFound)
    if (!object || object.metadata.uid !== node.uid) return
    const { uid, resourceVersion } = object.metadata
    try {
      await resource.patch(node.name, { metadata: { ...metadataOf(object), uid, resourceVersion } }, { type: 'merge' })
      return
    } catch (error) {
      if (isNotFound(error)) return
      if (!(error instanceof StatusError && error.code === 409) || attempt === attempts) throw error
    }
  }
}
