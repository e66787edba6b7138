// Strategic merge patch with its directives (source: k8s.io/apimachinery/pkg/util/strategicpatch). Lists merge by merge key where the schema says so.
import { define } from '../codec/json-reader.ts'
import type { Field, Schema, StructSchema } from '../schema/schema.ts'
import { badRequestError } from '../status-error.ts'
import { deepEqual } from './deep-equal.ts'
import { plainError } from './errors.ts'
import { goInterfaceType, goPrint, goTypeName } from './go-words.ts'
import { arrange, identityOf, partition, positions } from './list-order.ts'

type Tree = Record<string, unknown>

const directive = '$patch'
const retainKeys = '$retainKeys'
const deletePrefix = '$deleteFromPrimitiveList'
const orderPrefix = '$setElementOrder'

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Neither argument is changed; the result shares parts with both. @throws StatusError 400 and 500, worded as upstream words them. */
export function applyStrategicMergePatch<T>(document: T, patch: unknown, schema: StructSchema): T {
  if (!isTree(patch)) throw badRequestError(`json: cannot unmarshal ${goTypeName(patch)} into Go value of type map[string]interface {}`)
  return mergeTree(document as Tree, patch, schema) as T
}

const unknownDirective = (type: unknown, patch: Tree) => plainError(`unknown patch type: ${goPrint(type)} in map: ${goPrint(patch)}`)

function mergeTree(original: Tree, patch: Tree, schema: Schema): Tree {
  if (directive in patch) return wholeTree(patch)
  const result = retain(original, patch)
  const done = mergeOrdered(result, patch, schema)
  for (const [name, value] of Object.entries(patch)) {
    if (done.has(name) || name === retainKeys) continue
    if (name.startsWith(deletePrefix)) deleteItems(result, keyAfter(name, deletePrefix), value)
    else if (value === null) delete result[name]
    else mergeField(result, name, value, schema)
  }
  return result
}

function wholeTree(patch: Tree): Tree {
  const { [directive]: type, ...rest } = patch
  if (type === 'replace') return rest
  if (type === 'delete') return {}
  throw unknownDirective(type, patch)
}

function mergeField(result: Tree, name: string, value: unknown, schema: Schema): void {
  const present = Object.hasOwn(result, name) ? result[name] : undefined
  const field = schema.kind === 'struct' ? schema.byName.get(name) : undefined
  if (isTree(present) && isTree(value)) define(result, name, field?.patchStrategy.includes('replace') ? value : mergeTree(present, value, field?.schema ?? valuesOf(schema)))
  else if (Array.isArray(present) && Array.isArray(value)) result[name] = mergeList(present, value, field)
  else {
    const kept = withoutDirectives(value)
    if (kept === undefined) delete result[name]
    else define(result, name, kept)
  }
}

const anything: Schema = { kind: 'any', goType: 'interface {}' }
const valuesOf = (schema: Schema): Schema => (schema.kind === 'map' ? schema.values : anything)

// What is new is taken as it is, but for directives and nulls.
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => (item === null ? null : withoutDirectives(item))).filter((item) => item !== undefined)
  if (!isTree(value)) return value
  if (directive in value) return undefined
  const result: Tree = {}
  for (const [key, item] of Object.entries(value)) {
    const kept = item === null ? undefined : withoutDirectives(item)
    if (kept !== undefined) define(result, key, kept)
  }
  return result
}

/** A copy of `original`, with only the keys that the patch wants to retain if it says so. */
function retain(original: Tree, patch: Tree): Tree {
  if (!(retainKeys in patch)) return { ...original }
  const list = patch[retainKeys]
  if (!Array.isArray(list)) throw badRequestError('invalid patch format of retainKeys')
  const kept = new Set<unknown>(list)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue
    if (!kept.has(key)) throw badRequestError('invalid patch format of retainKeys')
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => kept.has(key)))
}

function keyAfter(name: string, prefix: string): string {
  if (name.startsWith(`${prefix}/`)) return name.slice(prefix.length + 1)
  throw badRequestError(`invalid patch format of ${prefix === deletePrefix ? 'primitive list' : 'setElementOrder list'}`)
}

function deleteItems(result: Tree, name: string, unwanted: unknown): void {
  const present = result[name]
  if (!Array.isArray(present) || !Array.isArray(unwanted)) return
  const gone = new Set<unknown>(unwanted)
  result[name] = present.filter((item) => !gone.has(item))
}

/** Merges the lists for which the patch gives an order, and returns the fields of the patch that are dealt with. */
function mergeOrdered(result: Tree, patch: Tree, schema: Schema): Set<string> {
  const done = new Set<string>()
  for (const [directiveName, order] of Object.entries(patch)) {
    if (!directiveName.startsWith(orderPrefix)) continue
    done.add(directiveName)
    const name = keyAfter(directiveName, orderPrefix)
    const field = schema.kind === 'struct' ? schema.byName.get(name) : undefined
    if (!Array.isArray(order)) throw plainError(`expected a []interface {}, but received a ${goInterfaceType(order)}`)
    const key = field?.patchMergeKey ?? ''
    const original = listAt(result, name)
    const changes = listAt(patch, name)
    checkOrder(changes ?? [], order, key)
    if (!original && !changes) continue
    const merged = !changes ? original! : !original ? (withoutDirectives(changes) as unknown[]) : mergeList(original, changes, field)
    result[name] = arrange({ ...partition(merged, order, key), order, serverOrder: original ?? [], key })
    done.add(name)
  }
  return done
}

function listAt(tree: Tree, name: string): unknown[] | undefined {
  const value = tree[name]
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw plainError(`expected a []interface {}, but received a ${goInterfaceType(value)}`)
  return value
}

const keyOf = (item: unknown, key: string): unknown => {
  if (key === '') return item
  if (!isTree(item)) throw plainError(`expected a map[string]interface {}, but received a ${goInterfaceType(item)}`)
  if (!(key in item)) throw plainError(`map: ${goPrint(item)} does not contain declared merge key: ${key}`)
  return item[key]
}

// The items of the patch must come in the order it demands.
function checkOrder(changes: unknown[], order: unknown[], key: string): void {
  if (!changes.length || !order.length) return
  const items = changes.filter((item) => !(isTree(item) && directive in item))
  let at = 0
  for (const wanted of order) if (at < items.length && deepEqual(keyOf(items[at], key), keyOf(wanted, key))) at++
  if (at < items.length) throw plainError(`The order in patch list:\n${goPrint(changes)}\n doesn't match ${orderPrefix} list:\n${goPrint(order)}\n`)
}

function mergeList(original: unknown[], patch: unknown[], field: Field | undefined): unknown[] {
  if (!field?.patchStrategy.includes('merge')) return patch
  if (!original.length && !patch.length) return original
  const key = field.patchMergeKey ?? ''
  if (![...original, ...patch].some(isTree)) return arrange({ ...partition([...new Set([...original, ...patch])], patch, ''), order: patch, serverOrder: original, key: '' })
  if (key === '') throw plainError(`cannot merge lists without merge key for ${field.schema.goType.replace(/^\[\]/, '')}`)
  const { kept, changes } = special(original, patch, key)
  const merged = mergeItems(kept, changes, key, field.schema.kind === 'list' ? field.schema.items : anything)
  return arrange({ ...partition(merged, changes, key), order: changes, serverOrder: kept, key })
}

/** Follows `$patch: delete` and `$patch: replace` among the items. */
function special(original: unknown[], patch: unknown[], key: string): { kept: unknown[]; changes: unknown[] } {
  const unwanted = new Set<string>()
  let replace = false
  const changes: unknown[] = []
  for (const item of patch) {
    if (!isTree(item) || !(directive in item)) changes.push(item)
    else if (item[directive] === 'replace') replace = true
    else if (item[directive] === 'delete') {
      keyOf(item, key)
      unwanted.add(identityOf(item, key))
    } else if (item[directive] === 'merge') throw plainError('merging lists cannot yet be specified in the patch')
    else throw unknownDirective(item[directive], item)
  }
  if (replace) return { kept: changes, changes: [] }
  return { kept: unwanted.size ? original.filter((item) => !unwanted.has(identityOf(item, key))) : original, changes }
}

function mergeItems(original: unknown[], changes: unknown[], key: string, schema: Schema): unknown[] {
  const result = [...original]
  const at = positions(result, key)
  for (const item of changes) {
    keyOf(item, key)
    const identity = identityOf(item, key)
    const present = at.get(identity)
    if (present !== undefined) result[present] = mergeTree(result[present] as Tree, item as Tree, schema)
    else at.set(identity, result.push(item) - 1)
  }
  return result
}
