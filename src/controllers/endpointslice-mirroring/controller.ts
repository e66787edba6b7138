import { objectKey } from '../../api/object.ts'
import { endpoints, endpointslices, services } from '../../api/refs.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { getByKey } from '../common/keys.ts'
import { managedByLabel, serviceNameLabel, sliceExecutors } from '../common/slices.ts'
import { managedBy, planMirror } from './plan.ts'

const byEndpoints = 'endpoints'

export const endpointSliceMirroringController = defineController({
  name: 'endpointslicemirroring-controller',
  eventSource: 'endpoint-slice-mirroring-controller',
  watches: ({ informer }) => ({
    services: informer(services),
    endpoints: informer(endpoints),
    slices: informer(endpointslices, {
      labelSelector: `${managedByLabel}=${managedBy}`,
      indexes: { [byEndpoints]: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`] },
    }),
  }),
  triggers: (world) => [
    changed(world.endpoints, objectKey),
    changed(world.services, objectKey),
    changed(world.slices, ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`),
  ],
  observe: (key, world) => ({ endpoints: getByKey(world.endpoints, key), service: getByKey(world.services, key), slices: world.slices.byIndex(byEndpoints, key) }),
  plan: planMirror,
  executors: sliceExecutors,
})
