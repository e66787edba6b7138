import type { KubeObject, Stored } from '../../api/object.ts'
import { objectKey, splitKey } from '../../api/object.ts'
import type { Pod } from '../../api/generated/types.ts'
import { deployments, poddisruptionbudgets, pods, replicasets, replicationcontrollers, statefulsets } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import type { Informer } from '../../client/informer.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { planDisruption } from './plan.ts'

interface Scalable extends KubeObject {
  spec?: { replicas?: number }
}

export const disruptionController = defineController({
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  watches: ({ informer }) => ({
    budgets: informer(poddisruptionbudgets), pods: informer(pods),
    scalable: { Deployment: informer(deployments), ReplicaSet: informer(replicasets), ReplicationController: informer(replicationcontrollers), StatefulSet: informer(statefulsets) } as Record<string, Informer<Scalable>>,
  }),
  triggers: (world) => {
    const inNamespace = (object: Stored) => world.budgets.list(object.metadata.namespace).map(objectKey)
    return [changed(world.budgets, objectKey), changed(world.pods, inNamespace), ...Object.values(world.scalable).map((informer) => changed(informer, inNamespace))]
  },
  observe(key, world) {
    const { namespace, name } = splitKey(key)
    const budget = world.budgets.get(name, namespace)
    if (!budget || budget.metadata.deletionTimestamp) return undefined
    const selector = labelSelectorOf(budget.spec?.selector)
    const matching = world.pods.list(namespace).filter((pod) => selector.matches(pod.metadata.labels) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed')
    return { budget, pods: matching, wantedReplicas: wantedReplicas(matching, world.scalable) }
  },
  plan: planDisruption,
  executors: {
    writeStatus: async ({ budget, status }, { client }) => void (await client.resource(poddisruptionbudgets, budget.metadata.namespace).updateStatus({ ...budget, status })),
    tell: ({ budget, type, reason, message }, { events }) => events.event(budget, type, reason, message),
  },
})

function wantedReplicas(matching: readonly Stored<Pod>[], scalable: Record<string, Informer<Scalable>>): number | undefined {
  const controllers = new Map<string, number>()
  for (const pod of matching) {
    const scale = topController(pod, scalable)
    if (!scale) return undefined
    controllers.set(scale.metadata.uid, scale.spec?.replicas ?? 1)
  }
  return [...controllers.values()].reduce((sum, replicas) => sum + replicas, 0)
}

function topController(object: Stored, scalable: Record<string, Informer<Scalable>>): Stored<Scalable> | undefined {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller)
  const found = owner && scalable[owner.kind]?.get(owner.name, object.metadata.namespace)
  if (!found || found.metadata.uid !== owner.uid) return undefined
  return topController(found, scalable) ?? found
}
