// Static binding of claims to volumes: pure. A claim and a volume name each other; whatever half of that is missing is added.
// Source of phases, annotations and wording: Kubernetes' persistent volume controller. Nothing is provisioned.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'

type Claim = Stored<PersistentVolumeClaim>
type Volume = Stored<PersistentVolume>

type BinderStep =
  | { do: 'bindVolume'; volume: Volume; claim: Claim }
  | { do: 'bindClaim'; claim: Claim; volume: Volume }
  | { do: 'setClaimStatus'; claim: Claim; status: NonNullable<PersistentVolumeClaim['status']> }
  | { do: 'setVolumePhase'; volume: Volume; phase: string; message?: string }
  | { do: 'tell'; about: Claim | Volume; type: 'Normal' | 'Warning'; reason: string; message: string }

export const annotations = {
  bindCompleted: 'pv.kubernetes.io/bind-completed', boundByController: 'pv.kubernetes.io/bound-by-controller', selectedNode: 'volume.kubernetes.io/selected-node',
} as const

export interface ObservedClaim {
  kind: 'claim'
  claim: Claim
  volumes: readonly Volume[]
  storageClass: StorageClass | undefined
  /** Whether the volume may be used on the node chosen for the claim; true where none is chosen. */
  reachable(volume: Volume): boolean
}

export interface ObservedVolume {
  kind: 'volume'
  volume: Volume
  claim: Claim | undefined
}

export const planBinding = (observed: ObservedClaim | ObservedVolume): Plan<BinderStep> => (observed.kind === 'claim' ? planClaim(observed) : planVolume(observed))

function planClaim(observed: ObservedClaim): Plan<BinderStep> {
  const { claim, volumes } = observed
  if (claim.metadata.annotations?.[annotations.bindCompleted] && claim.spec?.volumeName) {
    const volume = volumes.find((v) => v.metadata.name === claim.spec?.volumeName)
    if (!volume || (volume.spec?.claimRef && !refersTo(volume, claim))) {
      if (claim.status?.phase === 'Lost') return nothingToDo
      const lost = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'
      return { steps: [{ do: 'setClaimStatus', claim, status: { phase: 'Lost' } }, { do: 'tell', about: claim, type: 'Warning', reason: 'ClaimLost', message: lost }] }
    }
    return { steps: completion(claim, volume) }
  }
  if (claim.metadata.deletionTimestamp) return nothingToDo
  const volume = findVolume(observed)
  if (volume) return { steps: completion(claim, volume) }
  const pending: BinderStep[] = claim.status?.phase === 'Pending' ? [] : [{ do: 'setClaimStatus', claim, status: { phase: 'Pending' } }]
  return { steps: [...pending, { do: 'tell', about: claim, ...whyNot(observed) }] }
}

function whyNot({ claim, storageClass }: ObservedClaim): { type: 'Normal' | 'Warning'; reason: string; message: string } {
  if (waitsForPod(claim, storageClass)) return { type: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' }
  const name = claim.spec?.storageClassName
  if (!name) return { type: 'Normal', reason: 'FailedBinding', message: 'no persistent volumes available for this claim and no storage class is set' }
  if (!storageClass) return { type: 'Warning', reason: 'ProvisioningFailed', message: `storageclass.storage.k8s.io ${JSON.stringify(name)} not found` }
  return {
    type: 'Normal', reason: 'ExternalProvisioning',
    message: `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  }
}

const waitsForPod = (claim: Claim, storageClass: StorageClass | undefined) =>
  storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[annotations.selectedNode]

function findVolume({ claim, volumes, storageClass, reachable }: ObservedClaim): Volume | undefined {
  if (claim.spec?.volumeName) return volumes.find((v) => v.metadata.name === claim.spec?.volumeName && (!v.spec?.claimRef || refersTo(v, claim)))
  const reserved = volumes.find((v) => v.spec?.claimRef && refersTo(v, claim))
  if (reserved) return reserved
  if (waitsForPod(claim, storageClass)) return undefined
  const size = (v: Volume) => parseQuantity(v.spec?.capacity?.storage ?? '0')
  return volumes.filter((v) => !v.spec?.claimRef && !v.metadata.deletionTimestamp && satisfies(v, claim) && reachable(v)).sort((a, b) => size(a).compare(size(b)) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}

function satisfies(volume: Volume, claim: Claim): boolean {
  const [offer, wish] = [volume.spec ?? {}, claim.spec ?? {}]
  return (
    (offer.storageClassName ?? '') === (wish.storageClassName ?? '') &&
    (offer.volumeMode ?? 'Filesystem') === (wish.volumeMode ?? 'Filesystem') &&
    (offer.volumeAttributesClassName ?? '') === (wish.volumeAttributesClassName ?? '') &&
    (wish.accessModes ?? []).every((mode) => offer.accessModes?.includes(mode)) &&
    parseQuantity(offer.capacity?.storage ?? '0').compare(parseQuantity(wish.resources?.requests?.storage ?? '0')) >= 0 &&
    (!wish.selector || labelSelectorOf(wish.selector).matches(volume.metadata.labels))
  )
}

/** A reference without uid is an administrator's reservation for a claim of that name. */
function refersTo(volume: Volume, claim: Claim): boolean {
  const ref = volume.spec?.claimRef
  return ref?.namespace === claim.metadata.namespace && ref?.name === claim.metadata.name && (!ref?.uid || ref.uid === claim.metadata.uid)
}

/** What is still missing until both sides name each other and say so. */
function completion(claim: Claim, volume: Volume): BinderStep[] {
  const steps: BinderStep[] = []
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid) steps.push({ do: 'bindVolume', volume, claim })
  if (volume.status?.phase !== 'Bound') steps.push({ do: 'setVolumePhase', volume, phase: 'Bound' })
  if (claim.spec?.volumeName !== volume.metadata.name || !claim.metadata.annotations?.[annotations.bindCompleted]) steps.push({ do: 'bindClaim', claim, volume })
  if (claim.status?.phase !== 'Bound') {
    steps.push({ do: 'setClaimStatus', claim, status: { phase: 'Bound', accessModes: volume.spec?.accessModes, capacity: volume.spec?.capacity } })
  }
  return steps
}

function planVolume({ volume, claim }: ObservedVolume): Plan<BinderStep> {
  const phase = volume.status?.phase
  const to = (wanted: string, message?: string): Plan<BinderStep> => (phase === wanted ? nothingToDo : { steps: [{ do: 'setVolumePhase', volume, phase: wanted, message }] })
  const ref = volume.spec?.claimRef
  if (!ref?.uid) return to('Available')
  if (claim && claim.metadata.uid === ref.uid) return claim.spec?.volumeName === volume.metadata.name ? to('Bound') : nothingToDo
  if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete' || phase === 'Failed') return phase === 'Failed' ? nothingToDo : to('Released')
  const message = `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`
  if (phase !== 'Released') return to('Released')
  return { steps: [{ do: 'setVolumePhase', volume, phase: 'Failed', message }, { do: 'tell', about: volume, type: 'Warning', reason: 'VolumeFailedDelete', message }] }
}
