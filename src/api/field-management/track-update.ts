// Who owns what after a create, an update or a patch. To be called on the object as the client meant it: defaulted, but before admission and
// before the kind's own preparation.
import type { ManagedFieldsEntry } from '../generated/types.ts'
import type { KubeObject } from '../object.ts'
import { type StructSchema, zeroOf } from '../schema/schema.ts'
import { compare } from './compare.ts'
import { type FieldTree, difference, intersection, isEmptySet, leaf, recursiveDifference, setOfPaths, union } from './field-set.ts'
import { type Managers, asksForReset, capUpdaters, dropEmpty, identityOf, readManagers, unowned, writeManagers } from './managed.ts'

interface UpdateOptions {
  /** Undefined for a create. */
  before: KubeObject | undefined
  after: KubeObject
  manager: string
  apiVersion: string
  /** Empty for the object itself. */
  subresource: string
  /** RFC 3339 in whole seconds. */
  time: string
  schema: StructSchema
  /** Dotted paths of what this (sub)resource never writes; default: `status` for the object itself, `spec` for `status`. */
  resetFields?: readonly string[]
}

/** The entries that `after.metadata.managedFields` must get; undefined for none. */
export function trackUpdate(options: UpdateOptions): ManagedFieldsEntry[] | undefined {
  const { before, after } = options
  const managers = presentManagers(options)
  if (managers.size === 0 && before !== undefined) return undefined
  recordUpdate(managers, { ...options, before: before ?? (zeroOf(options.schema) as KubeObject), after })
  capUpdaters(managers)
  return managers.size ? writeManagers(managers) : undefined
}

function presentManagers({ before, after, subresource }: UpdateOptions): Managers {
  const old = () => readManagers(before?.metadata?.managedFields) ?? new Map()
  if (subresource !== '') return old()
  const given = after.metadata?.managedFields
  if (asksForReset(given)) return new Map()
  const managers = readManagers(given)
  return managers?.size ? managers : old()
}

/** Moves to `manager` what differs between `before` and `after`, and takes from all others what changed or went away. */
export function recordUpdate(managers: Managers, options: UpdateOptions): void {
  const { manager, apiVersion, subresource, time, schema } = options
  const hidden = resetSet(options)
  const { added, modified, removed } = compare(schema, options.before, options.after)
  const changed = recursiveDifference(isEmptySet(modified) ? added : union(modified, added), hidden)
  const gone = recursiveDifference(removed, hidden)
  disown(managers, apiVersion, union(changed, gone))
  const fields = difference(changed, unowned)
  if (isEmptySet(fields)) return
  const entry = { manager, operation: 'Update', apiVersion, subresource, time, fields } as const
  const identity = identityOf(entry)
  const previous = managers.get(identity)
  managers.set(identity, { ...entry, fields: previous ? union(fields, previous.fields) : fields })
}

/** Takes the fields of `lost` from every manager that has written this version. */
export function disown(managers: Managers, apiVersion: string, lost: FieldTree, except?: string): void {
  if (isEmptySet(lost)) return
  for (const [identity, owner] of managers) {
    if (identity === except || owner.apiVersion !== apiVersion || isEmptySet(intersection(owner.fields, lost))) continue
    managers.set(identity, { ...owner, fields: difference(owner.fields, lost), entry: undefined })
  }
  dropEmpty(managers)
}

export function resetSet({ resetFields, schema, subresource }: Pick<UpdateOptions, 'resetFields' | 'schema' | 'subresource'>): FieldTree {
  if (resetFields) return setOfPaths(resetFields)
  if (subresource === 'status') return statusReset
  return subresource === '' && schema.byName.has('status') ? ownReset : leaf
}

const statusReset = setOfPaths(['spec'])
const ownReset = setOfPaths(['status'])
