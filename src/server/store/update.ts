// Changing an object that exists (or, for some kinds, making it): read, change, check, write, under the key's lock.
import { rfc3339 } from '../../base/clock.ts'
import { invalid } from '../../api/field-error.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { WriteSubresource } from '../../api/resource.ts'
import { invalidError, modifiedConflict, notFoundError, StatusError } from '../../api/status-error.ts'
import { StorageError } from '../../storage/storage.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Entry } from '../cache/types.ts'
import type { Call } from '../call.ts'
import { keyOf } from '../registry.ts'
import type { WriteOptions } from '../request/query.ts'
import { insert, settleOwners } from './create.ts'
import { clone, encodeStored, equal } from './bytes.ts'
import { trackManagedFields } from './managed-fields.ts'
import { keepSystemFields, metadataOf, settleNamespace, validateMetadata, validateMetadataUpdate } from './object-metadata.ts'
import { translateStorageError, uidPreconditionError } from './storage-errors.ts'
import { storageOptions } from './storage-options.ts'
import { canonicalStored } from './versions.ts'
import type { Written } from './written.ts'

interface UpdateInput {
  name: string
  /**
   * Makes the wanted object, in the storage version and mutable, of the present one (undefined: there is none). Called again when another
   * server was faster. A `resourceVersion` in it is a precondition. @throws StatusError
   */
  draft(current: Stored<KubeObject> | undefined): KubeObject | Promise<KubeObject>
  options: WriteOptions
  /** Another uid in the draft is a conflict; without this it is a change of what cannot be changed. */
  uidIsPrecondition?: boolean
  /** The draft's managedFields are final (server-side apply). */
  fieldsTracked?: boolean
  /** Creates what does not exist, whatever the kind says (server-side apply). */
  forceCreate?: boolean
  /** Creates nothing, whatever the kind says (patches). */
  mustExist?: boolean
  /** Called before an update that creates: is the caller allowed to? @throws StatusError */
  authorizeCreate?(): void
  /** Only a part of the object is written. */
  subresource?: WriteSubresource<KubeObject>
  /** The draft comes from the server itself and changes only what it may: the kind's hooks, validation and admission are not asked. */
  partial?: boolean
  /** With `partial`: it is a client's write all the same, which raises the generation and owns its fields (as scaling does, and binding does not). */
  asClient?: boolean
}

const attempts = 5

export function updateObject(call: Call, input: UpdateInput): Promise<Written> {
  const key = keyOf(call.resource, call.info.namespace, input.name)
  return call.parts.locks.run(key, async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptUpdate(call, key, input)
      } catch (error) {
        const raced = error instanceof StorageError && error.code === 'conflict'
        if (!raced || attempt >= attempts) throw translateStorageError(error, call.resource.groupResource, input.name)
        await call.parts.cache.latest()
      }
    }
  })
}

async function attemptUpdate(call: Call, key: string, input: UpdateInput): Promise<Written> {
  const { groupResource, definition } = call.resource
  const entry = call.parts.cache.get(key)
  if (!entry) {
    if (!input.forceCreate && (!definition.allowCreateOnUpdate || input.mustExist)) throw notFoundError(groupResource, input.name)
    return createByUpdate(call, input)
  }
  const current = entry.object()
  const draft = await input.draft(current)
  const metadata = metadataOf(draft)
  if (input.uidIsPrecondition && metadata.uid && metadata.uid !== current.metadata.uid) {
    throw uidPreconditionError(groupResource, { name: input.name, key: `/registry/${key}`, wanted: metadata.uid, actual: current.metadata.uid })
  }
  checkResourceVersion(call, metadata.resourceVersion, current.metadata.resourceVersion, input.name)
  return replace(call, { key, entry, current, draft, input })
}

function checkResourceVersion(call: Call, wanted: string | undefined, actual: string, name: string): void {
  const { definition, groupResource } = call.resource
  if (!wanted || wanted === '0') {
    if (definition.allowUnconditionalUpdate !== false) return
    throw invalidError({ group: groupResource.group, kind: groupResource.resource }, name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
  }
  if (!/^\d+$/.test(wanted)) throw new StatusError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(wanted)}: invalid syntax`)
  if (wanted !== actual) throw modifiedConflict(groupResource, name)
}

async function createByUpdate(call: Call, input: UpdateInput): Promise<Written> {
  input.authorizeCreate?.()
  const draft = await input.draft(undefined)
  const metadata = metadataOf(draft)
  if (metadata.uid) throw uidPreconditionError(call.resource.groupResource, { name: input.name, key: keyOf(call.resource, call.info.namespace, input.name), wanted: metadata.uid, actual: '' })
  delete metadata.resourceVersion
  settleNamespace(call.resource.definition, metadata, call.info.namespace)
  if (!input.fieldsTracked) trackManagedFields(call, undefined, draft, input.options)
  await admitMutating(call, { operation: 'CREATE', draft, dryRun: input.options.dryRun })
  return { ...(await insert(call, draft, input.options)), created: true }
}

interface Replacement {
  key: string
  entry: Entry
  current: Stored<KubeObject>
  draft: KubeObject
  input: UpdateInput
}

async function replace(call: Call, { key, entry, current, draft, input }: Replacement): Promise<Written> {
  const { resource, parts } = call
  const { options, subresource } = input
  const now = rfc3339(parts.clock.now())
  settleNamespace(resource.definition, metadataOf(draft), call.info.namespace)
  settleOwners(call, metadataOf(draft))
  if (!input.fieldsTracked && (!input.partial || input.asClient)) trackManagedFields(call, current, draft, options)
  const admission = { operation: 'UPDATE', draft, current, dryRun: options.dryRun } as const
  if (!input.partial) await admitMutating(call, admission)
  const metadata = metadataOf(draft)
  metadata.generation = current.metadata.generation
  const context = { now, user: call.user, warn: call.warn }
  if (subresource) subresource.prepareForUpdate(draft, clone(current), context)
  else if (!input.partial) resource.definition.prepareForUpdate?.(draft, current, context)
  if (!input.partial || input.asClient) raiseGeneration(call, draft, current)
  keepSystemFields(metadataOf(draft), current.metadata)
  if (!input.partial) {
    validateUpdate(call, draft, current, subresource)
    if (!subresource) resource.definition.warnings?.(draft, current).forEach(call.warn)
    await admitValidating(call, admission)
  }
  return write(call, { key, entry, draft, current, options })
}

function validateUpdate(call: Call, draft: KubeObject, current: Stored<KubeObject>, subresource: WriteSubresource<KubeObject> | undefined): void {
  const { definition, groupKind } = call.resource
  const errors = [...validateMetadata(definition, draft.metadata!), ...validateMetadataUpdate(draft.metadata!, current.metadata)]
  if (subresource) errors.push(...(subresource.validateUpdate?.(draft, current) ?? []))
  else errors.push(...(definition.validate?.(draft) ?? []), ...(definition.validateUpdate?.(draft, current) ?? []))
  if (errors.length > 0) throw invalidError(groupKind, draft.metadata!.name ?? '', errors)
}

function raiseGeneration(call: Call, draft: KubeObject, current: KubeObject): void {
  const metadata = draft.metadata!
  const rule = call.resource.definition.generation ?? 'spec'
  metadata.generation = current.metadata!.generation
  if (metadata.generation === undefined) delete metadata.generation
  else if (rule !== 'none' && changed(rule, draft, current)) metadata.generation++
}

function changed(rule: 'spec' | 'all', draft: KubeObject, current: KubeObject): boolean {
  if (rule === 'spec') return !equal((draft as { spec?: unknown }).spec, (current as { spec?: unknown }).spec)
  const { metadata: _a, ...wanted } = draft
  const { metadata: _b, ...present } = current
  return !equal(wanted, present)
}

interface Write {
  key: string
  entry: Entry
  draft: KubeObject
  current: Stored<KubeObject>
  options: WriteOptions
}

async function write(call: Call, { key, entry, draft, current, options }: Write): Promise<Written> {
  const { resource, parts } = call
  draft = canonicalStored(resource, draft)
  const value = encodeStored(draft)
  if (removesLastFinalizer(call, draft, current)) {
    if (options.dryRun) return { object: draft }
    await parts.cache.delete(key, entry.revision)
    draft.metadata!.resourceVersion = current.metadata.resourceVersion
    return { object: draft }
  }
  if (value.equals(entry.value)) return { object: current, entry }
  if (options.dryRun) {
    draft.metadata!.resourceVersion = current.metadata.resourceVersion
    return { object: draft }
  }
  const written = await parts.cache.update(key, { value, object: draft, options: storageOptions(resource.definition, draft, current) }, entry.revision)
  return { object: written.object(), entry: written }
}

/** Source: `ShouldDeleteDuringUpdate`; a namespace waits for its spec's finalizers, too. */
function removesLastFinalizer(call: Call, draft: KubeObject, current: Stored<KubeObject>): boolean {
  if (draft.metadata!.finalizers?.length || !current.metadata.deletionTimestamp || (current.metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false
  const { group, plural } = call.resource.definition
  if (group === '' && plural === 'namespaces') return !(draft as { spec?: { finalizers?: string[] } }).spec?.finalizers?.length
  return true
}
