import { namespaces, pods } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'
import { changed, compared } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { discoverResources, supports, type Discovered } from '../common/discovery.ts'
import { isDeleting } from '../common/owner.ts'
import { hasFinalizer, planNamespace, type Content } from './plan.ts'

export const namespaceController = defineController({
  name: 'namespace-controller',
  watches: ({ informer }) => ({ namespaces: informer(namespaces), pods: informer(pods) }),
  triggers: (world) => [
    changed(world.namespaces, (namespace) => (isDeleting(namespace) ? namespace.metadata.name : undefined)),
    // everything else waits for the last pod
    compared(world.pods, (before, now) => {
      const name = before && !now ? (before.metadata.namespace ?? '') : ''
      const namespace = world.namespaces.get(name)
      return namespace && isDeleting(namespace) && world.pods.list(name).length === 0 ? [name] : []
    }),
  ],
  async observe(key, world, { client }) {
    const seen = world.namespaces.get(key)
    if (!seen || !isDeleting(seen) || !hasFinalizer(seen)) return undefined
    const discovered = await discoverResources(client)
    const listFailures: Error[] = []
    const kinds = discovered.resources.filter((resource) => resource.namespaced && supports(resource, 'list', 'delete'))
    const lists = kinds.map((resource) => listContent(client, key, resource).catch((error: unknown) => void listFailures.push(error as Error)))
    const content = (await Promise.all(lists)).filter((list) => list !== undefined && list.items.length > 0) as Content[]
    return { namespace: seen, content, discoveryFailure: failureOf(discovered), listFailures }
  },
  plan: planNamespace,
  executors: {
    async deleteAll({ namespace, resource }, { client }) {
      await client.resource(resource, namespace).deleteCollection({ propagationPolicy: 'Background' })
    },
    async deleteEach({ namespace, resource, items }, { client }) {
      for (const { metadata } of items) {
        await client.resource(resource, namespace).delete(metadata.name, { propagationPolicy: 'Background', preconditions: { uid: metadata.uid } }).catch(ignoreNotFound)
      }
    },
    async updateStatus({ namespace, status }, { client }) {
      await client.resource(namespaces).updateStatus({ ...namespace, status })
    },
    async finalize({ namespace }, { client }) {
      const { name } = namespace.metadata
      const fresh = await client.resource(namespaces).get(name).catch(ignoreNotFound)
      if (!fresh || fresh.metadata.uid !== namespace.metadata.uid) return
      const spec = { ...fresh.spec, finalizers: (fresh.spec?.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes') }
      await client.resource(namespaces).updateSubresource(name, 'finalize', { ...fresh, spec })
    },
  },
})

async function listContent(client: Client, namespace: string, resource: Content['resource']): Promise<Content> {
  const { items } = await client.resource(resource, namespace).list()
  return { resource, items }
}

function failureOf({ failures }: Discovered): Error | undefined {
  if (failures.size === 0) return undefined
  const each = [...failures].map(([groupVersion, error]) => `${groupVersion}: ${error.message}`)
  return new Error(`Discovery failed for some groups, ${failures.size} failing: unable to retrieve the complete list of server APIs: ${each.join(', ')}`)
}
