// Filters on the volumes that a pod claims.
import type { PersistentVolumeClaim } from '../../api/generated/types.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { reject, type Filter } from '../framework.ts'
import { nodeTermMatcher } from '../../api/node-selector.ts'
import type { PodFacts } from '../pod-facts.ts'
import type { NodeState, World } from '../world.ts'

export const volumeBinding: Filter = {
  name: 'VolumeBinding',
  prepare(pod, world) {
    const claims: PersistentVolumeClaim[] = []
    for (const name of claimNames(pod)) {
      const claim = world.claim(pod.namespace, name)
      if (!claim) return `persistentvolumeclaim ${JSON.stringify(name)} not found`
      if (claim.metadata?.deletionTimestamp) return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`
      if (claim.status?.phase === 'Lost') return `persistentvolumeclaim ${JSON.stringify(name)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`
      if (!isBound(claim) && !waitsForConsumer(claim, world)) return 'pod has unbound immediate PersistentVolumeClaims'
      claims.push(claim)
    }
    if (claims.length === 0) return undefined
    return (node) => claims.map((claim) => objection(claim, node, world)).find((found) => found !== undefined)
  },
}

export function claimNames({ spec, pod }: PodFacts): string[] {
  return (spec.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? [`${pod.metadata?.name}-${volume.name}`] : []))
}

const isBound = (claim: PersistentVolumeClaim) => Boolean(claim.spec?.volumeName) && claim.metadata?.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined

function waitsForConsumer(claim: PersistentVolumeClaim, world: World): boolean {
  const storageClass = claim.spec?.storageClassName ? world.storageClass(claim.spec.storageClassName) : undefined
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
}

function objection(claim: PersistentVolumeClaim, node: NodeState, world: World) {
  if (!isBound(claim)) {
    const usable = world.volumes().some((volume) => fits(claim, volume) && onNode(volume, node))
    const provisioned = world.storageClass(claim.spec?.storageClassName ?? '')?.provisioner !== 'kubernetes.io/no-provisioner'
    return usable || provisioned ? undefined : reject("node(s) didn't find available persistent volumes to bind", true)
  }
  const volume = world.volume(claim.spec!.volumeName!)
  if (!volume) return reject('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)', true)
  return onNode(volume, node) ? undefined : reject("node(s) didn't match PersistentVolume's node affinity", true)
}

function fits(claim: PersistentVolumeClaim, volume: ReturnType<World['volumes']>[number]): boolean {
  const wanted = claim.spec?.resources?.requests?.storage
  return (
    (volume.spec?.storageClassName ?? '') === (claim.spec?.storageClassName ?? '') && !volume.spec?.claimRef &&
    (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode)) &&
    (!wanted || parseQuantity(volume.spec?.capacity?.storage ?? '0').compare(parseQuantity(wanted)) >= 0)
  )
}

function onNode(volume: ReturnType<World['volumes']>[number], node: NodeState): boolean {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms
  return !terms || terms.some((term) => nodeTermMatcher(term)(node))
}

export const volumeRestrictions: Filter = {
  name: 'VolumeRestrictions',
  prepare(pod, world) {
    const exclusive = claimNames(pod).filter((name) => world.claim(pod.namespace, name)?.spec?.accessModes?.includes('ReadWriteOncePod'))
    if (exclusive.length === 0) return undefined
    const inUse = [...world.nodes.values()].some((node) => node.pods.some((other) => other.namespace === pod.namespace && claimNames(other).some((name) => exclusive.includes(name))))
    return inUse ? () => reject('node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod') : undefined
  },
}
