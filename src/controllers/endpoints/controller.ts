import { objectKey } from '../../api/object.ts'
import { endpoints, pods, services } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import { changed, compared } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { servicesOfPods } from '../common/service-pods.ts'
import { managedBy, managedByLabel, planEndpoints } from './plan.ts'

/** A service's Endpoints go with it, whoever made them; Endpoints that never had a service are left alone. */
const goneMark = 'gone/'

export const endpointsController = defineController({
  name: 'endpoint-controller',
  watches: ({ informer }) => ({ services: informer(services), pods: informer(pods), endpoints: informer(endpoints) }),
  triggers: (world) => [
    compared(world.services, (before, now) => (now ? [objectKey(now)] : [goneMark + objectKey(before!)])),
    changed(world.endpoints, (object) => (object.metadata.labels?.[managedByLabel] === managedBy ? objectKey(object) : undefined)),
    compared(world.endpoints, (before, now) => (before && !now ? [objectKey(before)] : [])),
    servicesOfPods(world.pods, world.services),
  ],
  observe(marked, world) {
    const key = marked.startsWith(goneMark) ? marked.slice(goneMark.length) : marked
    const service = getByKey(world.services, key)
    const present = getByKey(world.endpoints, key)
    if (!service && marked === key && present?.metadata.labels?.[managedByLabel] !== managedBy) return undefined
    return { service, pods: service?.spec?.selector ? world.pods.list(service.metadata.namespace) : [], present }
  },
  plan: planEndpoints,
  executors: {
    async create({ endpoints: object }, { client, events, key }) {
      try {
        await client.resource(endpoints, object.metadata?.namespace).create(object)
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        const about = { apiVersion: 'v1', kind: 'Endpoints', ...object }
        events.event(about, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${(error as Error).message}`)
        throw error
      }
    },
    async update({ endpoints: object }, { client, events, key }) {
      try {
        await client.resource(endpoints, object.metadata.namespace).update(object)
      } catch (error) {
        events.event(object, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${(error as Error).message}`)
        throw error
      }
    },
    async delete({ endpoints: { metadata } }, { client }) {
      await client.resource(endpoints, metadata.namespace).delete(metadata.name, { preconditions: { uid: metadata.uid } }).catch(ignoreNotFound)
    },
  },
})
