// Who owns which field of an object that a client writes without server-side apply.
import type { KubeObject } from '../../api/object.ts'
import { applyMergePatch } from '../../api/patch/merge-patch.ts'
import type { Call } from '../call.ts'
import type { WriteOptions } from '../request/query.ts'

export function trackManagedFields(_call: Call, current: KubeObject | undefined, draft: KubeObject, _options: WriteOptions): KubeObject {
  const fields = current?.metadata?.managedFields
  if (draft.metadata) {
    if (fields) draft.metadata.managedFields = fields
    else delete draft.metadata.managedFields
  }
  return draft
}

export interface ApplyInput {
  /** In the served version. */
  live: KubeObject | undefined
  patch: KubeObject
  options: WriteOptions
  subresource: string
}

export const applyServerSide = (_call: Call, { live, patch }: ApplyInput): KubeObject => (live ? applyMergePatch(live, patch) : patch)
