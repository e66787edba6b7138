// How requests of a client travel. A transport knows paths, bodies and watches, never kinds.
import type { ApiRequest, WatchEvent } from '../api/exchange.ts'
import type { Stored } from '../api/object.ts'
import type { Status } from '../api/generated/types.ts'
import { StatusError } from '../api/status-error.ts'

export interface TransportRequest {
  method: ApiRequest['method']
  path: string
  query?: URLSearchParams
  /** Written as JSON under `contentType`. */
  body?: unknown
  /** Default `application/json`. */
  contentType?: string
  signal?: AbortSignal
}

export interface Transport {
  /** Resolves with the answer: parsed and frozen where it is JSON, else as text. Rejects with StatusError. */
  send(request: TransportRequest): Promise<unknown>
  /** Objects are frozen. Ends when the server ends it; throws StatusError. */
  watch(request: TransportRequest & { signal: AbortSignal }): AsyncIterable<WatchEvent<Stored>>
  /** Ends what is under way. */
  close(): Promise<void>
}

/** The error that an answer with `status` >= 400 stands for; servers in between answer with anything. */
export function errorOf(status: number, answer: unknown): StatusError {
  if (typeof answer === 'object' && answer !== null && (answer as Status).kind === 'Status') return StatusError.fromStatus({ code: status, ...answer })
  return new StatusError(status, reasons[status] ?? 'InternalError', typeof answer === 'string' && answer ? answer : `the server answered with status ${status}`)
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 405: 'MethodNotAllowed', 409: 'Conflict', 410: 'Gone',
  429: 'TooManyRequests', 503: 'ServiceUnavailable', 504: 'Timeout',
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}
