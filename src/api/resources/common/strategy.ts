// What kinds with a status have in common: the object's own writes leave `status` alone, writes to `/status` leave `spec` alone.
import type { KubeObject } from '../../object.ts'
import type { ServedVersion, WriteSubresource } from '../../resource.ts'

interface WithStatus extends KubeObject {
  spec?: unknown
  status?: unknown
}

/** The only version `v1`, by the name of its group in upstream's schema document. */
export const v1 = <T extends KubeObject>(schemaGroup: string, kind: string): { versions: readonly ServedVersion<T>[]; storageVersion: string } => ({
  versions: [{ name: 'v1', schema: `io.k8s.api.${schemaGroup}.v1.${kind}` }],
  storageVersion: 'v1',
})

export function keepStatus<T extends WithStatus>(draft: T, current: T): void {
  if (current.status === undefined) delete draft.status
  else draft.status = current.status
}

export function keepSpec<T extends WithStatus>(draft: T, current: T): void {
  if (current.spec === undefined) delete draft.spec
  else draft.spec = current.spec
}

/** `initial` makes the status of a new object, as upstream's zero value prints it. */
export const statusHooks = <T extends WithStatus>(initial: () => T['status'], validateStatus?: WriteSubresource<T>['validateUpdate']) => ({
  prepareForCreate(draft: T): void {
    draft.status = initial()
  },
  prepareForUpdate(draft: T, current: T): void {
    keepStatus(draft, current)
  },
  subresources: { status: { prepareForUpdate: keepSpec<T>, ...(validateStatus ? { validateUpdate: validateStatus } : {}) } },
})

/** Of metadata, only managedFields and the version that the write expects come from the draft. */
export function keepMetadata(draft: KubeObject, current: KubeObject): void {
  const { resourceVersion, managedFields } = draft.metadata ?? {}
  draft.metadata = { ...current.metadata, ...(resourceVersion ? { resourceVersion } : {}), ...(managedFields ? { managedFields } : {}) }
  if (!managedFields) delete draft.metadata.managedFields
}

/** For kinds whose `/status` writes neither `spec` nor `metadata` (beside managedFields). */
export const statusOnly = <T extends WithStatus>(): WriteSubresource<T> => ({
  resetFields: ['metadata', 'spec'],
  prepareForUpdate(draft, current) {
    keepSpec(draft, current)
    keepMetadata(draft, current)
  },
})
