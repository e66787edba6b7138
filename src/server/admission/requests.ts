// What plug-ins ask of a request, and how they refuse it.
import type { KubeObject } from '../../api/object.ts'
import { forbiddenError } from '../../api/status-error.ts'
import type { StatusError } from '../../api/status-error.ts'
import type { AdmissionRequest, Operation } from './admission.ts'

interface Target {
  /** As in `pods`, `ingresses.networking.k8s.io`. */
  resource: string
  operations: readonly Operation[]
  /** Empty string: the object itself (default). */
  subresources?: readonly string[]
}

export const resourceOf = ({ definition }: AdmissionRequest): string => (definition.group ? `${definition.plural}.${definition.group}` : definition.plural)

export const matches = (request: AdmissionRequest, { resource, operations, subresources = [''] }: Target): boolean =>
  operations.includes(request.operation) && resourceOf(request) === resource && subresources.includes(request.attributes.subresource)

/** The draft in the shape that the plug-in's targets have. */
export const draftOf = <T extends KubeObject>(request: AdmissionRequest): T => request.draft as T
export const currentOf = <T extends KubeObject>(request: AdmissionRequest): T => request.current as T

/** A 403 that names the object as upstream's `admission.NewForbidden` does. */
export function forbid(request: AdmissionRequest, why: string): StatusError {
  const { attributes, definition, draft } = request
  const name = attributes.name || draft?.metadata?.name || draft?.metadata?.generateName || 'Unknown'
  return forbiddenError({ group: definition.group, resource: definition.plural }, name, why)
}

/** Several reasons as one text, as Go's aggregated errors print. */
export function aggregateText(reasons: readonly string[]): string {
  const distinct = [...new Set(reasons)]
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`
}
