// Every error the API answers with: a `Status` (source: k8s.io/apimachinery/pkg/api/errors).
import type { FieldError } from './field-error.ts'
import type { Status, StatusCause } from './generated/types.ts'

/** Names a resource in messages: `pods`, `deployments.apps`, `pods.metrics.k8s.io`. */
export interface GroupResource {
  group: string
  resource: string
}

const qualified = ({ group, resource }: GroupResource): string => (group ? `${resource}.${group}` : resource)

interface Details {
  group?: string
  kind?: string
  name?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

export class StatusError extends Error {
  readonly status: Status & { code: number; reason: string; message: string }

  constructor(code: number, reason: string, message: string, details?: Details) {
    super(message)
    this.name = 'StatusError'
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details ? { details } : {}), code }
  }

  get code(): number {
    return this.status.code
  }

  get reason(): string {
    return this.status.reason
  }

  static fromStatus(status: Status): StatusError {
    return new StatusError(status.code ?? 500, status.reason ?? '', status.message ?? '', status.details as Details)
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof StatusError && error.code === 404

/** For `catch`: what is not there is no failure. */
export function ignoreNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined
  throw error
}

const aboutResource = (of: GroupResource, name: string): Details => ({ ...(name ? { name } : {}), ...(of.group ? { group: of.group } : {}), kind: of.resource })

export const notFoundError = (of: GroupResource, name: string) =>
  new StatusError(404, 'NotFound', `${qualified(of)} ${JSON.stringify(name)} not found`, aboutResource(of, name))

export const alreadyExistsError = (of: GroupResource, name: string) =>
  new StatusError(409, 'AlreadyExists', `${qualified(of)} ${JSON.stringify(name)} already exists`, aboutResource(of, name))

export const conflictError = (of: GroupResource, name: string, why: string) =>
  new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(of)} ${JSON.stringify(name)}: ${why}`, aboutResource(of, name))

export const modifiedConflict = (of: GroupResource, name: string) =>
  conflictError(of, name, 'the object has been modified; please apply your changes to the latest version and try again')

export function forbiddenError(of: GroupResource, name: string, why: string): StatusError {
  const what = of.resource ? `${qualified(of)}${name ? ` ${JSON.stringify(name)}` : ''} is forbidden` : 'forbidden'
  return new StatusError(403, 'Forbidden', `${what}: ${why}`, aboutResource(of, name))
}

export function invalidError(of: { group: string; kind: string }, name: string, errors: readonly FieldError[]): StatusError {
  const lines = errors.map((e) => `${e.field}: ${e.message}`)
  const text = lines.length === 1 ? lines[0] : `[${[...new Set(lines)].join(', ')}]`
  return new StatusError(422, 'Invalid', `${of.group ? `${of.kind}.${of.group}` : of.kind} ${JSON.stringify(name)} is invalid: ${text}`, {
    ...(name ? { name } : {}), ...(of.group ? { group: of.group } : {}), kind: of.kind,
    causes: errors.map((e) => ({ reason: e.type, message: e.message, field: e.field })),
  })
}

export const badRequestError = (message: string) => new StatusError(400, 'BadRequest', message)
export const unauthorizedError = (message = 'Unauthorized') => new StatusError(401, 'Unauthorized', message)
export const expiredError = (message: string) => new StatusError(410, 'Expired', message)
export const tooLargeError = (message: string) => new StatusError(413, 'RequestEntityTooLarge', message)
export const unsupportedMediaTypeError = (message: string) => new StatusError(415, 'UnsupportedMediaType', message)
export const notAcceptableError = (message: string) => new StatusError(406, 'NotAcceptable', message)
export const tooManyRequestsError = (message: string, retryAfterSeconds: number) =>
  new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds })
export const internalError = (why: string) =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] })
export const unavailableError = (message: string) => new StatusError(503, 'ServiceUnavailable', message)
export const insufficientStorageError = (message: string) => new StatusError(507, 'InsufficientStorage', message)
export const timeoutError = (message: string) => new StatusError(504, 'Timeout', message)
export const genericNotFoundError = () => new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})
