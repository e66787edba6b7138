// Creation: metadata, defaults, admission, validation, the write.
import { rfc3339 } from '../../base/clock.ts'
import type { ObjectMeta } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { alreadyExistsError, invalidError, StatusError } from '../../api/status-error.ts'
import { StorageError } from '../../storage/storage.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Call } from '../call.ts'
import { keyOf } from '../registry.ts'
import type { WriteOptions } from '../request/query.ts'
import { clone, encodeStored } from './bytes.ts'
import { canonicalStored } from './versions.ts'
import { trackManagedFields } from './managed-fields.ts'
import { deduplicateOwners, generateName, metadataOf, settleNamespace, validateMetadata, wipeSystemFields } from './object-metadata.ts'
import { translateStorageError } from './storage-errors.ts'
import { storageOptions } from './storage-options.ts'
import type { Written } from './written.ts'

const nameAttempts = 8
const duplicateOwnersWarning = (uids: readonly string[]) =>
  '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; '
  + `duplicate UID(s) observed: ${uids.join(', ')}`

export function settleOwners(call: Call, metadata: ObjectMeta): void {
  const again = deduplicateOwners(metadata)
  if (again.length > 0) call.warn(duplicateOwnersWarning(again))
}

/** @param draft in the storage version, with defaults; taken over. */
export async function createObject(call: Call, draft: KubeObject, options: WriteOptions): Promise<Written> {
  const { definition } = call.resource
  const metadata = metadataOf(draft)
  wipeSystemFields(metadata)
  settleNamespace(definition, metadata, call.info.namespace)
  settleOwners(call, metadata)
  trackManagedFields(call, undefined, draft, options)
  await admitMutating(call, { operation: 'CREATE', draft, dryRun: options.dryRun, name: metadata.name })
  if (metadata.generateName && !metadata.name) return createWithGeneratedName(call, draft, options)
  return insert(call, draft, options)
}

async function createWithGeneratedName(call: Call, draft: KubeObject, options: WriteOptions): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    const named = clone(draft)
    named.metadata!.name = generateName(named.metadata!.generateName!, call.parts.random)
    try {
      return await insert(call, named, options)
    } catch (error) {
      const taken = error instanceof StatusError && error.reason === 'AlreadyExists'
      if (!taken || attempt >= nameAttempts) throw error
    }
  }
}

/** The part of a creation behind mutating admission; also for an update that creates. */
export async function insert(call: Call, draft: KubeObject, options: WriteOptions): Promise<Written> {
  const { resource, parts } = call
  const { definition } = resource
  const now = rfc3339(parts.clock.now())
  Object.assign(metadataOf(draft), { uid: parts.uid(), creationTimestamp: now })
  definition.prepareForCreate?.(draft, { now, user: call.user, warn: call.warn })
  // the hook may have put other metadata in place
  const metadata = metadataOf(draft)
  if (metadata.generation === undefined && definition.generation !== 'none' && (definition.generation === 'all' || 'spec' in draft)) metadata.generation = 1
  const errors = [...validateMetadata(definition, metadata), ...(definition.validate?.(draft) ?? []), ...(definition.validateCreate?.(draft) ?? [])]
  if (errors.length > 0) throw invalidError(resource.groupKind, metadata.name ?? '', errors)
  definition.warnings?.(draft).forEach(call.warn)
  await admitValidating(call, { operation: 'CREATE', draft, dryRun: options.dryRun, name: metadata.name })
  return write(call, draft, options)
}

async function write(call: Call, draft: KubeObject, options: WriteOptions): Promise<Written> {
  const { resource, parts } = call
  const name = draft.metadata!.name!
  const key = keyOf(resource, draft.metadata!.namespace ?? '', name)
  const existing = parts.cache.get(key)
  if (existing) throw alreadyExists(call, name, existing.object())
  draft = canonicalStored(resource, draft)
  const value = encodeStored(draft)
  if (options.dryRun) return { object: draft }
  try {
    const entry = await parts.cache.create(key, { value, object: draft, options: storageOptions(resource.definition, draft, undefined) })
    return { object: draft, entry }
  } catch (error) {
    if (error instanceof StorageError && error.code === 'exists') throw alreadyExists(call, name, undefined)
    throw translateStorageError(error, resource.groupResource, name)
  }
}

function alreadyExists(call: Call, name: string, existing: KubeObject | undefined): StatusError {
  const error = alreadyExistsError(call.resource.groupResource, name)
  if (!existing?.metadata?.deletionTimestamp) return error
  return StatusError.fromStatus({ ...error.status, message: `object is being deleted: ${error.message}` })
}
