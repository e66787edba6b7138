import { objectKey, splitKey, type Stored } from '../../api/object.ts'
import { nodes, persistentvolumeclaims, persistentvolumes, storageclasses } from '../../api/refs.ts'
import { nodeTermMatcher } from '../../api/node-selector.ts'
import { rfc3339 } from '../../base/clock.ts'
import { changed } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { annotations, planBinding, type ObservedClaim, type ObservedVolume } from './plan.ts'

/** Keys: `ns/name` of a claim, `name` of a volume. */
export const persistentVolumeBinder = defineController({
  name: 'persistentvolume-binder-controller',
  serviceAccount: 'persistent-volume-binder',
  eventSource: 'persistentvolume-controller',
  // one at a time: two claims must not choose the same volume
  concurrency: 1,
  watches: ({ informer }) => ({ claims: informer(persistentvolumeclaims), volumes: informer(persistentvolumes), classes: informer(storageclasses), nodes: informer(nodes) }),
  triggers: (world) => [
    changed(world.claims, objectKey),
    changed(world.claims, (claim) => claim.spec?.volumeName),
    changed(world.volumes, (volume) => volume.metadata.name),
    changed(world.volumes, (volume) => {
      const ref = volume.spec?.claimRef
      const waiting = world.claims.list().filter((claim) => !claim.spec?.volumeName).map(objectKey)
      return ref ? [...waiting, `${ref.namespace}/${ref.name}`] : waiting
    }),
  ],
  observe(key, world): ObservedClaim | ObservedVolume | undefined {
    const { namespace, name } = splitKey(key)
    if (namespace === undefined) {
      const volume = world.volumes.get(name)
      const ref = volume?.spec?.claimRef
      return volume && { kind: 'volume', volume, claim: ref?.name ? world.claims.get(ref.name, ref.namespace) : undefined }
    }
    const claim = world.claims.get(name, namespace)
    const node = claim && world.nodes.get(claim.metadata.annotations?.[annotations.selectedNode] ?? '')
    return claim && {
      kind: 'claim', claim, volumes: world.volumes.list(), storageClass: world.classes.get(claim.spec?.storageClassName ?? ''),
      reachable(volume) {
        const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms
        return !node || !terms || terms.some((term) => nodeTermMatcher(term)({ name: node.metadata.name, labels: node.metadata.labels ?? {} }))
      },
    }
  },
  plan: planBinding,
  executors: {
    async bindVolume({ volume, claim }, { client }) {
      const { namespace, name, uid, resourceVersion } = claim.metadata
      const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
      const byUs: Record<string, string> = volume.spec?.claimRef ? {} : { [annotations.boundByController]: 'yes' }
      await client.resource(persistentvolumes).update({ ...volume, metadata: annotated(volume, byUs), spec: { ...volume.spec, claimRef } })
    },
    async bindClaim({ claim, volume }, { client }) {
      const byUs: Record<string, string> = claim.spec?.volumeName ? {} : { [annotations.boundByController]: 'yes' }
      const metadata = annotated(claim, { [annotations.bindCompleted]: 'yes', ...byUs })
      await client.resource(persistentvolumeclaims, claim.metadata.namespace).update({ ...claim, metadata, spec: { ...claim.spec, volumeName: volume.metadata.name } })
    },
    async setClaimStatus({ claim, status }, { client }) {
      await client.resource(persistentvolumeclaims, claim.metadata.namespace).updateStatus({ ...claim, status: { ...claim.status, ...status } })
    },
    async setVolumePhase({ volume, phase, message }, { client, clock }) {
      const { message: _, ...before } = volume.status ?? {}
      const status = { ...before, phase, ...(message ? { message } : {}), lastPhaseTransitionTime: rfc3339(clock.now()) }
      await client.resource(persistentvolumes).updateStatus({ ...volume, status })
    },
    tell: ({ about, type, reason, message }, { events }) => events.event(about, type, reason, message),
  },
})

const annotated = <T extends Stored>({ metadata }: T, added: Record<string, string>): T['metadata'] => ({ ...metadata, annotations: { ...metadata.annotations, ...added } })
