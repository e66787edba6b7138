import { invalid } from '../field-error.ts'
import { StatusError, invalidError } from '../status-error.ts'

/** The patched object cannot be read as its kind: `shown` is that object (JSON and merge patch) or the patch (strategic merge patch). */
export const invalidPatchError = (shown: string, why: string): StatusError => {
  const error = invalidError({ group: '', kind: '' }, '', [invalid('patch', shown, why)])
  const { causes } = error.status.details as { causes: { reason?: string; message?: string; field?: string }[] }
  return new StatusError(422, 'Invalid', error.message, { causes })
}

/** Every failure of a JSON patch reads the same. */
export const jsonPatchFailed = (): StatusError => new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})

/** A failure that upstream passes on as it is: code 500 and no reason. */
export const plainError = (message: string): StatusError => new StatusError(500, '', message)
