// What `resourceVersion` in a request means, and the answers when it cannot be had.
import { badRequestError, StatusError, timeoutError } from '../../api/status-error.ts'
import type { Revision } from '../../storage/storage.ts'

/** Undefined and empty are 0: any state will do (what an unset parameter means beyond that depends on the verb). */
export function parseRevision(text: string | undefined): Revision {
  if (!text || text === '0') return 0
  if (!/^\d+$/.test(text)) throw invalid(text, 'invalid syntax')
  if (BigInt(text) >= 2n ** 64n) throw invalid(text, 'value out of range')
  return Number(text)
}

const invalid = (text: string, why: string) => {
  const shown = JSON.stringify(text)
  return badRequestError(`invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`)
}

export function tooLargeRevision(wanted: Revision, current: Revision): StatusError {
  const error = timeoutError(`Timeout: Too large resource version: ${wanted}, current: ${current}`)
  error.status.details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 }
  return error
}
