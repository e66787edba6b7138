// Merging of an applied configuration into a live object, and removal of fields from one (source: sigs.k8s.io/structured-merge-diff).
import { define } from '../codec/json-reader.ts'
import type { Schema } from '../schema/schema.ts'
import { type FieldTree, isEmptySet, isMember, leaf } from './field-set.ts'
import { type Tree, asLeaves, childSchema, fieldSchema, isAtomic, isNamedField, isTree, itemElement, itemsByElement, listOf, treeOf } from './shape.ts'

/** Neither argument is changed; the result shares parts with both. */
export function merge(schema: Schema, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live
  if (live === undefined || asLeaves(schema, live, applied)) return applied
  if (schema.kind === 'list') return mergeItems(schema, live, applied)
  const result: Tree = { ...treeOf(live) }
  for (const [key, value] of Object.entries(treeOf(applied))) define(result, key, merge(fieldSchema(schema, key), Object.hasOwn(result, key) ? result[key] : undefined, value))
  return result
}

// Applied items keep their order; items of the live object that are not applied stay where they stand between them.
function mergeItems(schema: Extract<Schema, { kind: 'list' }>, live: unknown, applied: unknown): unknown[] {
  const leftItems = itemsByElement(schema, live)
  const left = listOf(live).map((item) => itemElement(schema, item))
  const rightItems = itemsByElement(schema, applied)
  const right = [...rightItems.keys()]
  const shared = right.filter((element) => leftItems.has(element))
  const taken = new Set<string>()
  const result: unknown[] = []
  const take = (element: string) => {
    taken.add(element)
    const old = leftItems.get(element)
    result.push(merge(schema.items, old?.length === 1 ? old[0] : undefined, rightItems.get(element)![0]))
    if (shared[0] === element) shared.shift()
  }
  let l = 0
  let r = 0
  while (l < left.length || r < right.length) {
    const element = left[l]
    if (element !== undefined && r < right.length) {
      if (element === right[r]) {
        take(element)
        l++
        r++
        continue
      }
      if (rightItems.has(element) && shared.length > 0 && shared[0] !== element) {
        l++
        continue
      }
    }
    if (element !== undefined) {
      if (!rightItems.has(element)) {
        result.push(listOf(live)[l])
        l++
        continue
      }
      if (taken.has(element)) l++
    }
    if (r < right.length) take(right[r++]!)
  }
  return result
}

/** The value without the members of `set` and what lies below them. A field that loses everything stays as null, as its owner may yet be another. */
export function removeFields(schema: Schema, value: unknown, set: FieldTree): unknown {
  if (schema.kind !== 'struct' && schema.kind !== 'map' && schema.kind !== 'list') return value
  if (isAtomic(schema)) return undefined
  if (schema.kind === 'list') {
    if (!Array.isArray(value)) return value
    const kept = value.flatMap((item: unknown) => {
      const node = set[itemElement(schema, item)]
      if (isMember(node)) return []
      return [node ? removeFields(schema.items, item, node) : item]
    })
    return kept.length ? kept : undefined
  }
  if (!isTree(value)) return value
  const result: Tree = {}
  for (const [key, item] of Object.entries(value)) {
    const node = Object.hasOwn(set, `f:${key}`) ? set[`f:${key}`] : undefined
    if (isMember(node)) continue
    define(result, key, node ? removeFields(fieldSchema(schema, key), item, node) ?? null : item)
  }
  return Object.keys(result).length ? result : undefined
}

/** The set in which every declared field on the way to a member is a member too. */
export function withNamedFields(schema: Schema, set: FieldTree): FieldTree {
  const result: Record<string, FieldTree> = {}
  for (const element in set) {
    if (element === '.') result['.'] = leaf
    else {
      const child = withNamedFields(childSchema(schema, element), set[element]!)
      const named = element.startsWith('f:') && isNamedField(schema, element.slice(2))
      result[element] = named && !isEmptySet(child) ? { '.': leaf, ...child } : child
    }
  }
  return result
}
