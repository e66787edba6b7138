// Persistent volumes and claims (source: pkg/apis/core/validation).
import { posix } from 'node:path'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec } from '../../generated/types.ts'
import { isDnsSubdomain } from '../../names.ts'
import { changesText } from '../common/changes.ts'
import { equal } from '../common/equal.ts'
import { nodeSelector } from '../common/pod-spec/validation/affinity.ts'
import { noBacksteps } from '../common/pod-spec/validation/paths.ts'
import { hostPath } from '../common/pod-spec/validation/volumes.ts'
import { accessModes, claimSpec, positiveQuantity, volumeModes } from '../common/validation/claims.ts'
import { checked, driverName, type Findings, immutable, listed, oneOfIfSet } from '../common/validation/findings.ts'
import { nonNegativeQuantity, quantityOf } from '../common/validation/resource-names.ts'

const notSources = [
  'accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode',
]
const sourceOf = (spec: PersistentVolumeSpec) => Object.fromEntries(Object.entries(spec).filter(([key, value]) => !notSources.includes(key) && value !== undefined))

function* source(spec: PersistentVolumeSpec): Findings {
  const kinds = Object.keys(sourceOf(spec))
  for (const kind of kinds.slice(1)) yield forbidden(`spec.${kind}`, 'may not specify more than 1 volume type')
  if (kinds.length === 0) yield required('spec', 'must specify a volume type')
  if (spec.hostPath) yield* hostPath('spec.hostPath', spec.hostPath)
  if (spec.local) {
    if (!spec.local.path) yield required('spec.local.path')
    else yield* noBacksteps('spec.local.path', spec.local.path)
    if (!spec.nodeAffinity) yield required('spec.nodeAffinity', 'Local volume requires node affinity')
  }
  if (spec.nfs) {
    if (!spec.nfs.server) yield required('spec.nfs.server')
    if (!spec.nfs.path?.startsWith('/')) yield invalid('spec.nfs.path', spec.nfs.path ?? '', 'must be an absolute path')
  }
  if (!spec.csi) return
  yield* driverName('spec.csi.driver', spec.csi.driver)
  if (!spec.csi.volumeHandle) yield required('spec.csi.volumeHandle')
}

const mountOptions = 'volume.beta.kubernetes.io/mount-options'
const mountable = [
  'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'nfs', 'rbd', 'quobyte', 'iscsi', 'cinder', 'cephfs', 'azureFile', 'vsphereVolume', 'azureDisk', 'photonPersistentDisk',
]

function* mountAnnotation({ metadata, spec }: PersistentVolume): Findings {
  if (metadata?.annotations?.[mountOptions] === undefined || mountable.some((kind) => kind in spec!)) return
  yield forbidden(`metadata.annotations.${mountOptions}`, 'may not specify mount options for this volume type')
}

function* capacity({ capacity: own }: PersistentVolumeSpec): Findings {
  const names = Object.keys(own ?? {})
  if (names.length === 0) yield required('spec.capacity')
  if (!own?.storage || names.length > 1) yield notSupported('spec.capacity', own ?? null, ['storage'])
  for (const name of names) {
    const amount = quantityOf(own![name])
    if (amount && amount.nanos < 0n) yield invalid(`spec.capacity[${name}]`, amount.value(), 'must be a valid resource quantity')
    yield* positiveQuantity(`spec.capacity[${name}]`, own![name])
  }
}

export const validatePersistentVolume = listed(function* (volume: PersistentVolume): Findings {
  const { spec } = volume
  if (!spec) return yield required('spec', 'must specify a volume type')
  if (!spec.accessModes?.length) yield required('spec.accessModes')
  yield* accessModes('spec.accessModes', spec.accessModes)
  yield* capacity(spec)
  yield* oneOfIfSet('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'])
  if (spec.nodeAffinity) {
    if (!spec.nodeAffinity.required) yield required('spec.nodeAffinity.required', 'must specify required node constraints')
    else yield* nodeSelector('spec.nodeAffinity.required', spec.nodeAffinity.required)
  }
  yield* source(spec)
  if (spec.hostPath && posix.normalize(spec.hostPath.path) === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    yield forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")
  }
  if (spec.storageClassName) yield* checked('spec.storageClassName', spec.storageClassName, isDnsSubdomain)
  if (spec.volumeAttributesClassName) yield* checked('spec.volumeAttributesClassName', spec.volumeAttributesClassName, isDnsSubdomain)
  yield* oneOfIfSet('spec.volumeMode', spec.volumeMode, volumeModes)
  yield* mountAnnotation(volume)
})

export const validatePersistentVolumeUpdate = listed(function* (draft: PersistentVolume, current: PersistentVolume): Findings {
  const [after, before] = [sourceOf(draft.spec!), sourceOf(current.spec!)]
  if (!equal(after, before)) {
    yield forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${changesText('spec', before, after)}`)
  }
  yield* immutable('volumeMode', draft.spec?.volumeMode, current.spec?.volumeMode)
  if (current.spec?.nodeAffinity) yield* immutable('nodeAffinity', draft.spec?.nodeAffinity, current.spec.nodeAffinity)
})

export const validateClaim = ({ spec }: PersistentVolumeClaim): FieldError[] => [...claimSpec('spec', spec)]

const betaClass = 'volume.beta.kubernetes.io/storage-class'

/** The draft's spec with everything put back that may change. */
function unchangeable(draft: PersistentVolumeClaim, current: PersistentVolumeClaim): PersistentVolumeClaim['spec'] {
  const [after, before] = [draft.spec!, current.spec!]
  const bound = draft.status?.phase === 'Bound'
  const wasUnset = before.storageClassName === undefined && after.storageClassName !== undefined
  const beta = current.metadata?.annotations?.[betaClass]
  const classSettled = wasUnset && (beta === undefined || beta === after.storageClassName)
  return {
    ...after,
    ...(before.volumeName ? {} : { volumeName: before.volumeName }),
    ...(classSettled ? { storageClassName: undefined } : {}),
    ...(bound ? {
      volumeAttributesClassName: before.volumeAttributesClassName,
      resources: { ...after.resources, requests: { ...after.resources?.requests, storage: before.resources?.requests?.storage ?? '' } },
    } : {}),
  }
}

export const validateClaimUpdate = listed(function* (draft: PersistentVolumeClaim, current: PersistentVolumeClaim): Findings {
  const munged = unchangeable(draft, current)
  if (!equal(munged, current.spec)) {
    yield forbidden('spec', `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${changesText('spec', current.spec, munged)}`)
  }
  const [size, before, real] = [draft.spec?.resources?.requests?.storage, current.spec?.resources?.requests?.storage, current.status?.capacity?.storage].map(quantityOf)
  const least = real ?? quantityOf('0')
  if (size && before && least && size.compare(before) < 0 && size.compare(least) <= 0) {
    yield forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')
  }
  yield* immutable('volumeMode', draft.spec?.volumeMode, current.spec?.volumeMode)
})

export const validateClaimStatus = listed(function* ({ status }: PersistentVolumeClaim): Findings {
  for (const [name, text] of Object.entries(status?.capacity ?? {})) yield* nonNegativeQuantity(`status.capacity[${name}]`, text)
})
