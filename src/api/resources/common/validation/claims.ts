// Persistent volume claims, alone, as templates of a StatefulSet and of ephemeral volumes.
import { forbidden, invalid, notSupported, required } from '../../../field-error.ts'
import type { ObjectMeta, PersistentVolumeClaimSpec, TypedObjectReference } from '../../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../../names.ts'
import { checked, type Findings, oneOfIfSet } from './findings.ts'
import { annotations, labels, labelSelector } from './labels.ts'
import { quantityOf } from './resource-names.ts'

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const volumeModes = ['Block', 'Filesystem']

export function* accessModes(field: string, all: readonly string[] | undefined): Findings {
  for (const mode of all ?? []) if (!modes.includes(mode)) yield notSupported(field, mode, modes)
  const known = (all ?? []).filter((mode) => modes.includes(mode))
  if (known.includes('ReadWriteOncePod') && known.some((mode) => mode !== 'ReadWriteOncePod')) {
    yield forbidden(field, 'may not use ReadWriteOncePod with other access modes')
  }
}

export function* positiveQuantity(field: string, text: string | undefined): Findings {
  const amount = quantityOf(text)
  if (amount && amount.nanos <= 0n) yield invalid(field, text, 'must be greater than zero')
}

function* dataSource(field: string, source: TypedObjectReference): Findings {
  if (!source.name) yield required(`${field}.name`)
  if (!source.kind) yield required(`${field}.kind`)
  if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
    yield invalid(field, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
  }
  if (source.apiGroup) yield* checked(`${field}.apiGroup`, source.apiGroup, isDnsSubdomain)
  if (source.namespace) yield* checked(`${field}.namespace`, source.namespace, isDnsLabel)
}

export function* claimSpec(field: string, spec: PersistentVolumeClaimSpec | undefined): Findings {
  if (!spec?.accessModes?.length) yield required(`${field}.accessModes`, 'at least 1 access mode is required')
  yield* labelSelector(`${field}.selector`, spec?.selector)
  yield* accessModes(`${field}.accessModes`, spec?.accessModes)
  const storage = spec?.resources?.requests?.storage
  if (storage === undefined) yield required(`${field}.resources[storage]`)
  else yield* positiveQuantity(`${field}.resources[storage]`, storage)
  if (spec?.storageClassName) yield* checked(`${field}.storageClassName`, spec.storageClassName, isDnsSubdomain)
  yield* oneOfIfSet(`${field}.volumeMode`, spec?.volumeMode, volumeModes)
  if (spec?.dataSource) yield* dataSource(`${field}.dataSource`, spec.dataSource)
  if (spec?.dataSourceRef) yield* dataSource(`${field}.dataSourceRef`, spec.dataSourceRef)
  if (spec?.dataSource && spec.dataSourceRef) {
    const { dataSource: source, dataSourceRef: ref } = spec
    if (ref.namespace) yield invalid(field, {}, 'may not be specified when dataSourceRef.namespace is specified')
    else if (source.name !== ref.name || source.kind !== ref.kind || source.apiGroup !== ref.apiGroup) {
      yield invalid(field, {}, 'must match dataSourceRef')
    }
  }
  if (spec?.volumeAttributesClassName) yield* checked(`${field}.volumeAttributesClassName`, spec.volumeAttributesClassName, isDnsSubdomain)
}

/** Metadata of a template: only labels and annotations. */
export function* templateMetadata(field: string, metadata: ObjectMeta | undefined): Findings {
  yield* annotations(`${field}.annotations`, metadata?.annotations)
  yield* labels(`${field}.labels`, metadata?.labels)
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (key !== 'annotations' && key !== 'labels' && value) yield forbidden(`${field}.${key}`, 'cannot be set')
  }
}
