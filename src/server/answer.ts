// Answers as values.
import type { ApiResponse } from '../api/exchange.ts'
import { stringify } from '../api/codec/json.ts'
import { internalError, StatusError } from '../api/status-error.ts'

const json = { 'content-type': 'application/json' }

export function answerObject(object: unknown, options: { status?: number; acceptObjects?: boolean; pretty?: boolean } = {}): ApiResponse {
  const status = options.status ?? 200
  if (options.acceptObjects) return { status, headers: json, body: { kind: 'object', object } }
  const text = options.pretty ? JSON.stringify(object, null, 2) : stringify(object) + '\n'
  return { status, headers: json, body: { kind: 'bytes', bytes: Buffer.from(text) } }
}

export const answerText = (text: string, status = 200): ApiResponse => ({
  status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body: { kind: 'bytes', bytes: Buffer.from(text) },
})

/** Every failure becomes a `Status`; what is not a StatusError is an internal error whose cause goes to the log, not to the caller. */
export function answerError(error: unknown, options: { acceptObjects?: boolean; pretty?: boolean } = {}): ApiResponse {
  const failure = error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error))
  const { reason, ...rest } = failure.status
  const answer = answerObject(reason === '' ? rest : failure.status, { ...options, status: failure.code })
  const retry = failure.status.details?.retryAfterSeconds
  return retry ? { ...answer, headers: { ...answer.headers, 'retry-after': String(retry) } } : answer
}
