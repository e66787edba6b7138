// What differs between two objects, as sets of fields.
import { deepEqual } from '../patch/deep-equal.ts'
import type { Schema } from '../schema/schema.ts'
import { type FieldTree, leaf } from './field-set.ts'
import { type Tree, asLeaves, fieldSchema, isAtomic, itemsByElement, treeOf } from './shape.ts'

interface Difference {
  added: FieldTree
  modified: FieldTree
  removed: FieldTree
}

type Draft = Record<string, FieldTree>

interface Node {
  added?: Draft
  modified?: Draft
  removed?: Draft
}

const same: Node = Object.freeze({})

export function compare(schema: Schema, before: unknown, after: unknown): Difference {
  const { added = leaf, modified = leaf, removed = leaf } = compareChildren(schema, before, after)
  return { added, modified, removed }
}

function compareNodes(schema: Schema, before: unknown, after: unknown): Node {
  if (before === after) return same
  if (asLeaves(schema, before, after)) {
    if (before === undefined) return { added: {} }
    if (after === undefined) return { removed: {} }
    return deepEqual(before, after) ? same : { modified: {} }
  }
  const node = before === undefined || after === undefined ? { ...compareChildren(schema, before, after) } : compareChildren(schema, before, after)
  if (before === undefined) node.added = { '.': leaf, ...node.added }
  else if (after === undefined) node.removed = { '.': leaf, ...node.removed }
  return node
}

function compareChildren(schema: Schema, before: unknown, after: unknown): Node {
  if (schema.kind === 'list') return compareItems(schema, before, after)
  const left = treeOf(before)
  const right = treeOf(after)
  const node: Node = {}
  for (const key in left) {
    const value = left[key]
    const other = own(right, key)
    if (value === undefined || value === other) continue
    const child = compareNodes(fieldSchema(schema, key), value, other)
    if (child !== same) put(node, `f:${key}`, child)
  }
  for (const key in right) if (own(left, key) === undefined && right[key] !== undefined) put(node, `f:${key}`, compareNodes(fieldSchema(schema, key), undefined, right[key]))
  return node.added || node.modified || node.removed ? node : same
}

// Keys of maps are the users' and may be named as what every JavaScript object inherits.
const own = (tree: Tree, key: string): unknown => (Object.hasOwn(tree, key) ? tree[key] : undefined)

function put(into: Node, element: string, child: Node): void {
  if (child.added) (into.added ??= {})[element] = child.added
  if (child.modified) (into.modified ??= {})[element] = child.modified
  if (child.removed) (into.removed ??= {})[element] = child.removed
}

function compareItems(schema: Extract<Schema, { kind: 'list' }>, before: unknown, after: unknown): Node {
  const left = itemsByElement(schema, before)
  const right = itemsByElement(schema, after)
  const node: Node = {}
  for (const [element, items] of left) {
    const child = compareItem(schema.items, items, right.get(element) ?? none)
    if (child !== same) put(node, element, child)
  }
  for (const [element, items] of right) if (!left.has(element)) put(node, element, compareItem(schema.items, none, items))
  return node.added || node.modified || node.removed ? node : same
}

const none: unknown[] = []

// An element that occurs more than once is owned as a whole.
function compareItem(schema: Schema, before: unknown[], after: unknown[]): Node {
  if (before.length <= 1 && after.length <= 1) return compareNodes(schema, before[0], after[0])
  if (before.length > 1 && after.length > 1) return deepEqual(before, after) ? same : { modified: {} }
  if (before.length > 1) return { ...(after.length ? compareNodes(schema, undefined, after[0]) : {}), removed: {} }
  return { ...(before.length ? compareNodes(schema, before[0], undefined) : {}), added: {} }
}

/** The fields that a configuration sets. */
export function fieldSetOf(schema: Schema, value: unknown): FieldTree {
  return childrenOf(schema, value)
}

function childrenOf(schema: Schema, value: unknown): FieldTree {
  const result: Record<string, FieldTree> = {}
  if (schema.kind === 'list') {
    for (const [element, items] of itemsByElement(schema, value)) result[element] = items.length > 1 || isAtomic(schema.items) ? leaf : withSelf(childrenOf(schema.items, items[0]))
    return result
  }
  const source = treeOf(value)
  for (const key in source) {
    const item = source[key]
    if (item === undefined) continue
    const node = nodeOf(fieldSchema(schema, key), item, schema.kind === 'map')
    if (node) result[`f:${key}`] = node
  }
  return result
}

const withSelf = (children: FieldTree): FieldTree => ({ '.': leaf, ...children })

function nodeOf(schema: Schema, value: unknown, member: boolean): FieldTree | undefined {
  if (isAtomic(schema)) return leaf
  const children = childrenOf(schema, value)
  const empty = Object.keys(children).length === 0
  if (empty) return member || value === null || (schema.kind !== 'list' && Object.keys(treeOf(value)).length === 0) ? leaf : undefined
  return member ? withSelf(children) : children
}
