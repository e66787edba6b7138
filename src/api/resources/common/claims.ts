// Persistent volume claims, alone and as templates of a StatefulSet.
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedLocalObjectReference } from '../../generated/types.ts'

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
}

const isSource = ({ kind, apiGroup }: TypedLocalObjectReference) =>
  (kind === 'PersistentVolumeClaim' && !apiGroup) || (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io')

/** `dataSource` and its successor `dataSourceRef` say the same; what could never be a source is dropped, as it always was. */
export function normalizeDataSources(spec: PersistentVolumeClaimSpec, current?: PersistentVolumeClaimSpec): void {
  const known = current?.dataSource !== undefined || current?.dataSourceRef !== undefined
  if (spec.dataSourceRef?.namespace && !current?.dataSourceRef) delete spec.dataSourceRef
  if (!known && !spec.dataSourceRef && spec.dataSource && !isSource(spec.dataSource)) delete spec.dataSource
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) spec.dataSource = { ...spec.dataSourceRef }
}

export function defaultClaimTemplate(claim: PersistentVolumeClaim): void {
  claim.apiVersion ||= 'v1'
  claim.kind ||= 'PersistentVolumeClaim'
  claim.metadata ??= {}
  if (claim.spec) defaultClaimSpec(claim.spec)
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}
