// Source: pkg/apis/storage/validation.
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../field-error.ts'
import type {
  CSIDriver, CSINode, CSIStorageCapacity, StorageClass, TopologySelectorTerm, VolumeAttachment, VolumeAttributesClass,
} from '../../generated/types.ts'
import { isDnsSubdomain } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { checked, driverName, type Findings, immutable, listed, nonNegative, oneOfIfSet, qualifiedName } from '../common/validation/findings.ts'
import { labelSelector } from '../common/validation/labels.ts'
import { nonNegativeQuantity } from '../common/validation/resource-names.ts'

const parametersLimit = 256 * 1024

function* provisioner(field: string, name: string | undefined): Findings {
  if (!name) yield required(field)
  else yield* qualifiedName(field, name.toLowerCase())
}

function* parameters(all: Readonly<Record<string, string>> | undefined): Findings {
  const entries = Object.entries(all ?? {})
  if (entries.length > 512) return yield tooLong('parameters', 512)
  if (entries.some(([key]) => key === '')) yield invalid('parameters', '', 'field can not be empty.')
  if (entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0) > parametersLimit) yield tooLong('parameters', parametersLimit)
}

function* topology(field: string, term: TopologySelectorTerm): Findings {
  for (const [index, { key, values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
    const at = `${field}.matchLabelExpressions[${index}]`
    if (values.length === 0) yield required(`${at}.values`)
    for (const [i, value] of values.entries()) if (values.indexOf(value) < i) yield duplicate(`${at}.values[${i}]`, value)
    yield* qualifiedName(`${at}.key`, key)
  }
}

export const validateStorageClass = listed(function* (object: StorageClass): Findings {
  yield* provisioner('provisioner', object.provisioner)
  yield* parameters(object.parameters)
  if (object.reclaimPolicy) yield* oneOfIfSet('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain'])
  yield* oneOfIfSet('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
  for (const [index, term] of (object.allowedTopologies ?? []).entries()) yield* topology(`allowedTopologies[${index}]`, term)
})

export const validateStorageClassUpdate = listed(function* (draft: StorageClass, current: StorageClass): Findings {
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) yield* immutable(field, draft[field], current[field])
})

export const validateVolumeAttachment = listed(function* ({ spec }: VolumeAttachment): Findings {
  yield* driverName('spec.attacher', spec?.attacher)
  const { inlineVolumeSpec, persistentVolumeName } = spec?.source ?? {}
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (!inlineVolumeSpec && persistentVolumeName === undefined) yield required('spec.source', exactlyOne)
  else if (inlineVolumeSpec && persistentVolumeName !== undefined) yield forbidden('spec.source', exactlyOne)
  else if (persistentVolumeName === '') yield required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName')
  yield* checked('spec.nodeName', spec?.nodeName, isDnsSubdomain)
  if (persistentVolumeName) yield* checked('spec.source.persistentVolumeName', persistentVolumeName, isDnsSubdomain)
})

export const validateVolumeAttachmentUpdate = listed(function* (draft: VolumeAttachment, current: VolumeAttachment): Findings {
  yield* immutable('spec', draft.spec, current.spec)
})

export const validateCsiNode = listed(function* ({ spec }: CSINode): Findings {
  const drivers = spec?.drivers ?? []
  for (const [index, { name, nodeID, allocatable, topologyKeys = [] }] of drivers.entries()) {
    const at = `spec.drivers[${index}]`
    yield* driverName(`${at}.name`, name)
    if (!nodeID) yield required(`${at}.nodeID`)
    else if (nodeID.length > 256) yield invalid(`${at}.nodeID`, nodeID, 'must be 256 characters or less')
    yield* nonNegative(`${at}.allocatable.count`, allocatable?.count)
    if (drivers.findIndex((d) => d.name === name) < index) yield duplicate(`${at}.name`, name)
    for (const [i, key] of topologyKeys.entries()) {
      if (!key) yield required(at)
      if (topologyKeys.indexOf(key) < i) yield duplicate(at, key)
      yield* qualifiedName(at, key)
    }
  }
})

export const validateCsiNodeUpdate = listed(function* (draft: CSINode, current: CSINode): Findings {
  for (const old of current.spec?.drivers ?? []) {
    const next = draft.spec?.drivers?.find((d) => d.name === old.name)
    if (next) yield* immutable('spec.drivers', { ...next, allocatable: undefined }, { ...old, allocatable: undefined })
  }
})

export const validateCsiDriver = listed(function* ({ spec }: CSIDriver): Findings {
  yield* oneOfIfSet('spec.fsGroupPolicy', spec?.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
  const period = spec?.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < 10) yield invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')
  const tokens = spec?.tokenRequests ?? []
  for (const [index, { audience, expirationSeconds: seconds }] of tokens.entries()) {
    const at = `spec.tokenRequests[${index}]`
    if (tokens.findIndex((t) => t.audience === audience) < index) yield duplicate(`${at}.audience`, audience)
    if (seconds !== undefined && seconds < 600) yield invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
    if (seconds !== undefined && seconds > 2 ** 32) yield invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
  }
  for (const mode of spec?.volumeLifecycleModes ?? []) {
    if (mode !== 'Persistent' && mode !== 'Ephemeral') yield notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral'])
  }
})

export const validateCsiDriverUpdate = listed(function* (draft: CSIDriver, current: CSIDriver): Findings {
  yield* immutable('spec.attachedRequired', draft.spec?.attachRequired, current.spec?.attachRequired)
  yield* immutable('spec.volumeLifecycleModes', draft.spec?.volumeLifecycleModes, current.spec?.volumeLifecycleModes)
})

export const validateCsiStorageCapacity = listed(function* (object: CSIStorageCapacity): Findings {
  yield* labelSelector('nodeTopology', object.nodeTopology)
  yield* checked('storageClassName', object.storageClassName, isDnsSubdomain)
  yield* nonNegativeQuantity('capacity', object.capacity)
})

export const validateCsiStorageCapacityUpdate = listed(function* (draft: CSIStorageCapacity, current: CSIStorageCapacity): Findings {
  yield* immutable('nodeTopology', draft.nodeTopology, current.nodeTopology)
  yield* immutable('storageClassName', draft.storageClassName, current.storageClassName)
})

export const validateVolumeAttributesClass = listed(function* (object: VolumeAttributesClass): Findings {
  yield* provisioner('driverName', object.driverName)
  yield* parameters(object.parameters)
  if (Object.keys(object.parameters ?? {}).length === 0) yield required('parameters', 'must contain at least one key/value pair')
})

export const validateVolumeAttributesClassUpdate = listed(function* (draft: VolumeAttributesClass, current: VolumeAttributesClass): Findings {
  if (draft.driverName !== current.driverName) yield forbidden('driverName', 'updates to driverName are forbidden.')
  if (!equal(draft.parameters, current.parameters)) yield forbidden('parameters', 'updates to parameters are forbidden.')
})
