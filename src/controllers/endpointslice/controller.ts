import { objectKey } from '../../api/object.ts'
import { endpointslices, nodes, pods, services } from '../../api/refs.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { servicesOfPods } from '../common/service-pods.ts'
import { managedByLabel, serviceNameLabel, sliceExecutors } from '../common/slices.ts'
import { managedBy, planEndpointSlices } from './plan.ts'

const byService = 'service'

export const endpointSliceController = defineController({
  name: 'endpointslice-controller',
  eventSource: 'endpoint-slice-controller',
  watches: ({ informer }) => ({
    services: informer(services),
    pods: informer(pods),
    nodes: informer(nodes),
    slices: informer(endpointslices, {
      labelSelector: `${managedByLabel}=${managedBy}`,
      indexes: { [byService]: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`] },
    }),
  }),
  triggers: (world) => [
    changed(world.services, objectKey),
    changed(world.slices, ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`),
    servicesOfPods(world.pods, world.services),
  ],
  observe(key, world) {
    const service = getByKey(world.services, key)
    if (!service) return undefined
    const pods = world.pods.list(service.metadata.namespace)
    return { service, pods, node: (name: string) => world.nodes.get(name), slices: world.slices.byIndex(byService, key) }
  },
  plan: planEndpointSlices,
  executors: sliceExecutors,
})
