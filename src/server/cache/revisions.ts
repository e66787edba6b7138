// What `resourceVersion` in a request means, and the answers when it cannot be had.
import { badRequestError, StatusError, timeoutError } from '../../api/status-error.ts'
import type { Revision } from '../../storage/storage.ts'

/** Undefined and empty are 0: any state will do (what an unset parameter means beyond that depends on the verb). */
export function parseRevision(text: string | undefined): Revision {
  const wrong = text ? whyInvalid(text) : undefined
  if (wrong) throw badRequestError(`invalid resource version: ${wrong}`)
  return Number(text || 0)
}

/** Upstream answers a watch with the bare error. */
export function parseWatchRevision(text: string | undefined): Revision {
  const wrong = text ? whyInvalid(text) : undefined
  if (wrong) throw new StatusError(500, '', wrong)
  return Number(text || 0)
}

function whyInvalid(text: string): string | undefined {
  const why = !/^\d+$/.test(text) ? 'invalid syntax' : BigInt(text) >= 2n ** 64n ? 'value out of range' : undefined
  const shown = JSON.stringify(text)
  return why && `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`
}

export function tooLargeRevision(wanted: Revision, current: Revision): StatusError {
  const error = timeoutError(`Timeout: Too large resource version: ${wanted}, current: ${current}`)
  error.status.details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 }
  return error
}
