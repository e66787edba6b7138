import type { VolumeAttributesClass } from '../../api/generated/types.ts'
import { objectKey, splitKey } from '../../api/object.ts'
import { persistentvolumeclaims, persistentvolumes, pods, volumeattributesclasses } from '../../api/refs.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { attributesClassFinalizer, claimFinalizer, claimsOf, planProtection, usesClaim, volumeFinalizer, type ProtectionStep } from './plan.ts'

const changedOf = ({ object, finalizers }: ProtectionStep) => ({ ...object, metadata: { ...object.metadata, finalizers } })
const byClaim = 'claim'

export const claimProtection = defineController({
  name: 'pvc-protection-controller',
  watches: ({ informer }) => ({
    claims: informer(persistentvolumeclaims),
    pods: informer(pods, { indexes: { [byClaim]: (pod) => claimsOf(pod).map((claim) => `${pod.metadata.namespace}/${claim}`) } }),
  }),
  triggers: (world) => [changed(world.claims, objectKey), changed(world.pods, (pod) => claimsOf(pod).map((claim) => `${pod.metadata.namespace}/${claim}`))],
  observe(key, world) {
    const { namespace, name } = splitKey(key)
    const object = world.claims.get(name, namespace)
    return object && { object, finalizer: claimFinalizer, inUse: world.pods.byIndex(byClaim, key).some((pod) => usesClaim(pod, name)) }
  },
  plan: planProtection,
  executors: {
    setFinalizers: async (step, { client }) => void (await client.resource(persistentvolumeclaims, step.object.metadata.namespace).update(changedOf(step))),
  },
})

export const volumeProtection = defineController({
  name: 'pv-protection-controller',
  watches: ({ informer }) => ({ volumes: informer(persistentvolumes) }),
  triggers: (world) => [changed(world.volumes, (volume) => volume.metadata.name)],
  observe(key, world) {
    const object = world.volumes.get(key)
    return object && { object, finalizer: volumeFinalizer, inUse: object.status?.phase === 'Bound' }
  },
  plan: planProtection,
  executors: {
    setFinalizers: async (step, { client }) => void (await client.resource(persistentvolumes).update(changedOf(step))),
  },
})

export const attributesClassProtection = defineController({
  name: 'volumeattributesclass-protection-controller',
  watches: ({ informer }) => ({ classes: informer(volumeattributesclasses), claims: informer(persistentvolumeclaims), volumes: informer(persistentvolumes) }),
  triggers: (world) => [
    changed(world.classes, (attributesClass) => attributesClass.metadata.name),
    changed(world.claims, (claim) => [claim.spec?.volumeAttributesClassName, claim.status?.currentVolumeAttributesClassName].filter((name) => name !== undefined)),
    changed(world.volumes, (volume) => volume.spec?.volumeAttributesClassName),
  ],
  observe(key, world) {
    const object = world.classes.get(key)
    const inUse =
      world.claims.list().some((claim) => claim.spec?.volumeAttributesClassName === key || claim.status?.currentVolumeAttributesClassName === key) ||
      world.volumes.list().some((volume) => volume.spec?.volumeAttributesClassName === key)
    return object && { object, finalizer: attributesClassFinalizer, inUse }
  },
  plan: planProtection,
  executors: {
    setFinalizers: async (step, { client }) => void (await client.resource(volumeattributesclasses).update(changedOf(step) as VolumeAttributesClass)),
  },
})
