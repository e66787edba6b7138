// The one place where a StorageError becomes what a client is told.
import {
  alreadyExistsError, conflictError, expiredError, insufficientStorageError, internalError, modifiedConflict, notFoundError, StatusError, unavailableError, type GroupResource,
} from '../../api/status-error.ts'
import { StorageError } from '../../storage/storage.ts'

export function translateStorageError(error: unknown, of: GroupResource, name: string): Error {
  if (!(error instanceof StorageError)) return error instanceof Error ? error : internalError(String(error))
  switch (error.code) {
    case 'exists': return alreadyExistsError(of, name)
    case 'missing': return notFoundError(of, name)
    case 'conflict': return modifiedConflict(of, name)
    case 'compacted': return expiredError('The resourceVersion for the provided watch is too old.')
    case 'full': return insufficientStorageError(error.message)
    case 'unavailable': return unavailableError('the storage is not available')
  }
}

/** Source: `storage.Preconditions.Check` and `InvalidObjError`. */
export const uidPreconditionError = (of: GroupResource, about: { name: string; key: string; wanted: string; actual: string }): StatusError =>
  conflictError(of, about.name, 'StorageError: invalid object, Code: 4, Key: ' + about.key + ', ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: '
    + `${about.wanted}, UID in object meta: ${about.actual}`)

