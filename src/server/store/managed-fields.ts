// Who owns which field: the version that the client speaks is the one in which fields are counted.
import { rfc3339 } from '../../base/clock.ts'
import { serverSideApply, trackUpdate } from '../../api/field-management/index.ts'
import type { KubeObject } from '../../api/object.ts'
import { schemas } from '../../api/schema/index.ts'
import type { Call } from '../call.ts'
import type { WriteOptions } from '../request/query.ts'
import { clone } from './bytes.ts'
import { toServed } from './versions.ts'

const resetFields = ({ resource: { definition }, info: { subresource } }: Call) => (subresource ? definition.subresources?.[subresource]?.resetFields : definition.resetFields)

/** Sets the draft's managedFields. Both objects are in the storage version; `current` is undefined for a create. */
export function trackManagedFields(call: Call, current: KubeObject | undefined, draft: KubeObject, { fieldManager }: WriteOptions): void {
  const { resource, info, parts } = call
  const served = (object: KubeObject) => (resource.isStorageVersion ? object : toServed(resource, clone(object)))
  const entries = trackUpdate({
    before: current && served(current), after: served(draft), manager: fieldManager, apiVersion: resource.apiVersion, subresource: info.subresource,
    time: rfc3339(parts.clock.now()), schema: schemas.definition(resource.version.schema), resetFields: resetFields(call),
  })
  const metadata = (draft.metadata ??= {})
  if (entries) metadata.managedFields = entries
  else delete metadata.managedFields
}

interface ApplyInput {
  /** In the served version. */
  live: KubeObject | undefined
  applied: KubeObject
  options: WriteOptions
}

/** The live object with the configuration merged into it and its managedFields, in the served version. @throws StatusError 409 for conflicts */
export function applyServerSide(call: Call, { live, applied, options }: ApplyInput): KubeObject {
  const { resource, info, parts } = call
  return serverSideApply<KubeObject>({
    live, applied, manager: options.fieldManager, force: options.force ?? false, apiVersion: resource.apiVersion, subresource: info.subresource,
    time: rfc3339(parts.clock.now()), schema: schemas.definition(resource.version.schema), resetFields: resetFields(call),
  })
}
