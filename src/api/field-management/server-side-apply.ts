// Server-side apply: merges a configuration into the live object, tracks who owns which field, and removes what this applier no longer applies.
// Defaults that depend on other fields are for the kind to set on the result.
import type { ManagedFieldsEntry } from '../generated/types.ts'
import type { KubeObject } from '../object.ts'
import { copy } from '../patch/copy.ts'
import { deepEqual } from '../patch/deep-equal.ts'
import { decodeStrict } from '../schema/decode.ts'
import { applyDefaults } from '../schema/defaults.ts'
import { type StructSchema, zeroOf } from '../schema/schema.ts'
import { StatusError, badRequestError } from '../status-error.ts'
import { findMisfit } from './check-applied.ts'
import { compare, fieldSetOf } from './compare.ts'
import { type Conflict, applyConflictError } from './conflict.ts'
import { type FieldTree, difference, intersection, isEmptySet, leaf, recursiveDifference, sameSet, union } from './field-set.ts'
import { lastAppliedFields, syncLastApplied } from './last-applied.ts'
import { type Managers, dropEmpty, identityOf, readManagers, unowned, writeManagers } from './managed.ts'
import { merge, removeFields, withNamedFields } from './merge.ts'
import { disown, recordUpdate, resetSet } from './track-update.ts'

interface ApplyOptions {
  /** Undefined when the object does not exist yet. */
  live: KubeObject | undefined
  applied: KubeObject
  manager: string
  apiVersion: string
  force: boolean
  subresource: string
  /** RFC 3339 in whole seconds. */
  time: string
  schema: StructSchema
  /** As for `trackUpdate`. */
  resetFields?: readonly string[]
}

/**
 * The object to store, with its managedFields.
 * @throws StatusError 409 with the conflicting fields as causes, 400 and 500 for a configuration that does not fit, worded as upstream words it.
 */
export function serverSideApply<T extends KubeObject>(options: ApplyOptions): T {
  check(options)
  const managers = liveManagers(options)
  const outcome = applyOrInherit(options, managers)
  const object = outcome.changed ? decode(options.schema, outcome.object) : (copy(options.live) as KubeObject)
  if (options.manager === 'kubectl') syncLastApplied(object, options.applied)
  setManagedFields(object, keepTimes(outcome.managers, options))
  return object as T
}

function check({ applied, apiVersion, schema }: ApplyOptions): void {
  if (applied.apiVersion !== apiVersion || applied.kind !== kindOf(schema)) throw badRequestError(`invalid object type: ${goKind(applied)}`)
  if (applied.metadata?.managedFields !== undefined && applied.metadata.managedFields !== null) throw badRequestError('metadata.managedFields must be nil')
  const misfit = findMisfit(schema, applied)
  if (misfit === undefined) return
  const name = `${text(applied.metadata?.namespace)}/${text(applied.metadata?.name)}; ${goKind(applied)}`
  throw new StatusError(500, '', `failed to create typed patch object (${name}): ${misfit}`)
}

const kindOf = ({ goType }: StructSchema): string => goType.slice(goType.lastIndexOf('.') + 1)
const goKind = ({ apiVersion, kind }: KubeObject): string => {
  const version = text(apiVersion)
  return `${version.includes('/') ? version : `/${version}`}, Kind=${text(kind)}`
}
// A configuration has not been decoded: anything may stand there.
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function liveManagers(options: ApplyOptions): Managers {
  const { live, schema } = options
  const managers = readManagers(live?.metadata?.managedFields) ?? new Map()
  if (live && managers.size === 0)
    recordUpdate(managers, { ...options, before: zeroOf(schema) as KubeObject, after: live, manager: 'before-first-apply' })
  return managers
}

interface Outcome {
  object: KubeObject
  changed: boolean
  managers: Managers
}

// kubectl takes over what it applied itself from the client's side before.
function applyOrInherit(options: ApplyOptions, managers: Managers): Outcome {
  const plain = attempt(options, managers)
  if (!('conflicts' in plain)) return plain
  const { conflicts } = plain
  if (options.manager !== 'kubectl' || !options.live) throw applyConflictError(conflicts)
  const own = lastAppliedFields(options.schema, options.live, options.apiVersion)
  const left = conflicts.map((c) => ({ ...c, fields: difference(c.fields, own) })).filter((c) => !isEmptySet(c.fields))
  if (left.length) throw applyConflictError(left)
  return attempt({ ...options, force: true }, managers) as Outcome
}

function attempt(options: ApplyOptions, present: Managers): Outcome | { conflicts: Conflict[] } {
  const { schema, applied, apiVersion, manager, subresource, force } = options
  const live = withoutManagedFields(options.live ?? (zeroOf(schema) as KubeObject))
  const managers: Managers = new Map(present)
  const hidden = resetSet(options)
  const entry = { manager, operation: 'Apply', apiVersion, subresource } as const
  const identity = identityOf(entry)
  const last = managers.get(identity)?.fields ?? leaf
  managers.set(identity, { ...entry, time: options.time, fields: recursiveDifference(fieldSetOf(schema, applied), hidden) })
  const merged = prune(schema, merge(schema, live, applied), managers, last) as KubeObject

  const { added, modified, removed } = compare(schema, live, merged)
  const changed = recursiveDifference(union(modified, added), hidden)
  const conflicts = [...managers].filter(([key, owner]) => key !== identity && owner.apiVersion === apiVersion)
    .map(([, owner]) => ({ owner, fields: intersection(owner.fields, changed) })).filter(({ fields }) => !isEmptySet(fields))
  if (conflicts.length && !force) return { conflicts }
  disown(managers, apiVersion, union(changed, recursiveDifference(removed, hidden)), identity)
  managers.set(identity, { ...managers.get(identity)!, fields: difference(managers.get(identity)?.fields ?? leaf, unowned), entry: undefined })
  dropEmpty(managers)
  return { object: merged, changed: options.live === undefined || !deepEqual(live, merged), managers }
}

// Removes what this applier applied last time, not now, and nobody else owns.
function prune(schema: StructSchema, merged: unknown, managers: Managers, last: FieldTree): unknown {
  if (isEmptySet(last)) return merged
  const owned = [...managers.values()].reduce((all, { fields }) => union(all, fields), leaf)
  const named = (set: FieldTree) => withNamedFields(schema, set)
  const first = removeFields(schema, merged, named(last))
  const all = named(fieldSetOf(schema, merged))
  const second = removeFields(schema, merged, difference(all, union(named(fieldSetOf(schema, first)), named(owned))))
  return removeFields(schema, merged, intersection(difference(all, named(fieldSetOf(schema, second))), named(last)))
}

const withoutManagedFields = (object: KubeObject): KubeObject => {
  if (object.metadata?.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function decode(schema: StructSchema, value: KubeObject): KubeObject {
  const { object, errors } = decodeStrict(schema, value)
  if (errors[0] !== undefined) throw new StatusError(500, '', `failed to convert new object (${value.metadata?.namespace ?? ''}/${value.metadata?.name ?? ''}; ${goKind(value)}) to proper version: ${errors[0]}`)
  applyDefaults(schema, object)
  return object
}

// Where nothing but times would change they stay as they were, and the write is none.
function keepTimes(managers: Managers, { live }: ApplyOptions): ManagedFieldsEntry[] {
  const old = readManagers(live?.metadata?.managedFields)
  const same = old && old.size === managers.size && [...managers].every(([identity, m]) => {
    const before = old.get(identity)
    return before && before.apiVersion === m.apiVersion && sameSet(before.fields, m.fields)
  })
  if (!same) return writeManagers(managers)
  return writeManagers(new Map([...managers.keys()].map((identity) => [identity, old.get(identity)!])))
}

function setManagedFields(object: KubeObject, entries: ManagedFieldsEntry[]): void {
  object.metadata ??= {}
  if (entries.length) object.metadata.managedFields = entries
  else delete object.metadata.managedFields
}
