// The last word before storage. Mutating plug-ins run in order on the draft, then validating ones see the final object.
import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import type { Attributes } from '../../api/user.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface AdmissionRequest {
  readonly operation: Operation
  readonly attributes: Attributes
  readonly definition: ResourceDefinition
  /** In the storage version, defaulted; undefined for DELETE. Mutating plug-ins change it in place. For `pods/binding` and such, the body. */
  draft?: KubeObject
  /** For UPDATE and DELETE. Frozen. */
  readonly current?: KubeObject
  readonly dryRun: boolean
  /** Adds a `Warning` header to the answer. */
  warn(text: string): void
}

export interface AdmissionPlugin {
  readonly name: string
  handles(request: AdmissionRequest): boolean
  /** @throws StatusError to refuse. */
  mutate?(request: AdmissionRequest): Promise<void> | void
  /** @throws StatusError to refuse. */
  validate?(request: AdmissionRequest): Promise<void> | void
}
