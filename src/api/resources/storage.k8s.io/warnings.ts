// Warnings about storage kinds (source: pkg/registry/storage, pkg/api/storage).
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '../../generated/types.ts'
import { equal } from '../common/equal.ts'
import { deprecatedLabel, nodeTopologyWarnings } from '../common/warnings/node-labels.ts'
import { warned, type Warnings } from '../common/warnings/warnings.ts'

export const storageClassWarnings = warned(function* ({ allowedTopologies }: StorageClass, current?: StorageClass): Warnings {
  if (current) return
  for (const [index, { matchLabelExpressions }] of (allowedTopologies ?? []).entries()) {
    for (const [at, { key }] of (matchLabelExpressions ?? []).entries()) yield* deprecatedLabel(`allowedTopologies[${index}].matchLabelExpressions[${at}].key`, key)
  }
})

export const capacityWarnings = warned(function* ({ nodeTopology }: CSIStorageCapacity, current?: CSIStorageCapacity): Warnings {
  if (!current) yield* nodeTopologyWarnings('nodeTopology', nodeTopology)
})

export const csiDriverWarnings = warned(function* ({ spec }: CSIDriver, current?: CSIDriver): Warnings {
  if (!spec.tokenRequests?.length || spec.serviceAccountTokenInSecrets !== undefined || (current && equal(spec.tokenRequests, current.spec.tokenRequests))) return
  yield 'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'
})
