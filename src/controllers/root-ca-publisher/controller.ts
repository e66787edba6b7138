import { configmaps, namespaces } from '../../api/refs.ts'
import { changed, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { isNamespaceTerminating } from '../common/pod-steps.ts'
import { configMapName, planRootCa } from './plan.ts'

/** @param ca PEM */
export const createRootCaPublisher = (ca: string): Controller =>
  defineController({
    name: 'root-ca-cert-publisher',
    watches: ({ informer }) => ({
      namespaces: informer(namespaces),
      configMaps: informer(configmaps, { fieldSelector: `metadata.name=${configMapName}` }),
    }),
    triggers: (world) => [changed(world.namespaces, (namespace) => namespace.metadata.name), changed(world.configMaps, (map) => map.metadata.namespace)],
    observe(key, world) {
      const namespace = world.namespaces.get(key)
      return namespace && { namespace, present: world.configMaps.get(configMapName, key), ca }
    },
    plan: planRootCa,
    executors: {
      async create({ configMap }, { client }) {
        await client.resource(configmaps, configMap.metadata?.namespace).create(configMap).catch((error: unknown) => {
          if (!isNamespaceTerminating(error)) throw error
        })
      },
      async update({ configMap }, { client }) {
        await client.resource(configmaps, configMap.metadata?.namespace).update(configMap)
      },
    },
  })
