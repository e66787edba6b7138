// Sets of fields in the form in which FieldsV1 is on the wire, so that nothing needs to be parsed: a tree keyed by path elements (`f:name`,
// `k:{"name":"x"}`, `v:"x"`). A node that is empty or has "." is a member of the set. Trees are never changed once made.

export interface FieldTree {
  readonly [element: string]: FieldTree
}

type Draft = Record<string, FieldTree>

/** Whether what a client sent is a set. */
export function isFieldTree(value: unknown): value is FieldTree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const [element, child] of Object.entries(value)) if (!isElement(element) || !isFieldTree(child)) return false
  return true
}

function isElement(text: string): boolean {
  if (text === '.' || text.startsWith('f:')) return true
  if (text.startsWith('i:')) return /^-?\d+$/.test(text.slice(2))
  if (!text.startsWith('k:{') && !text.startsWith('v:')) return false
  try {
    JSON.parse(text.slice(2))
    return true
  } catch {
    return false
  }
}

export const leaf: FieldTree = Object.freeze({})

const isLeaf = (node: FieldTree): boolean => {
  for (const _ in node) return false
  return true
}

export const isMember = (node: FieldTree | undefined): boolean => node !== undefined && ('.' in node || isLeaf(node))
export const isEmptySet = isLeaf

/** A node that is a member or not, with these children; undefined when nothing is left. */
function build(member: boolean, children: Draft | undefined): FieldTree | undefined {
  if (children === undefined) return member ? leaf : undefined
  if (member) return { '.': leaf, ...children }
  return children
}

type Combine = (left: FieldTree | undefined, right: FieldTree | undefined) => FieldTree | undefined

function combineChildren(left: FieldTree, right: FieldTree, combine: Combine): Draft | undefined {
  let result: Draft | undefined
  const put = (element: string, node: FieldTree | undefined) => {
    if (node !== undefined) (result ??= {})[element] = node
  }
  for (const element in left) if (element !== '.') put(element, combine(left[element], right[element]))
  for (const element in right) if (element !== '.' && !(element in left)) put(element, combine(undefined, right[element]))
  return result
}

const operation = (member: (left: boolean, right: boolean) => boolean): Combine => {
  const combine: Combine = (left, right) => build(member(isMember(left), isMember(right)), combineChildren(left ?? leaf, right ?? leaf, combine))
  return combine
}

const unionNodes = operation((l, r) => l || r)
const differenceNodes = operation((l, r) => l && !r)
const intersectionNodes = operation((l, r) => l && r)

export const union = (left: FieldTree, right: FieldTree): FieldTree => (isLeaf(left) ? right : isLeaf(right) ? left : combineChildren(left, right, unionNodes) ?? leaf)
export const difference = (left: FieldTree, right: FieldTree): FieldTree => (isLeaf(right) ? left : combineChildren(left, right, differenceNodes) ?? leaf)
export const intersection = (left: FieldTree, right: FieldTree): FieldTree => combineChildren(left, right, intersectionNodes) ?? leaf

/** Removes the members of `right` and everything below them. */
export function recursiveDifference(left: FieldTree, right: FieldTree): FieldTree {
  const combine: Combine = (l, r) => {
    if (l === undefined || r === undefined) return l
    if (isMember(r)) return undefined
    return build(isMember(l), combineChildren(l, r, combine))
  }
  return isLeaf(right) ? left : combineChildren(left, right, combine) ?? leaf
}

export function sameSet(left: FieldTree, right: FieldTree): boolean {
  if (left === right) return true
  if (isMember(left) !== isMember(right)) return false
  for (const element in left) if (element !== '.' && (!(element in right) || !sameSet(left[element]!, right[element]!))) return false
  for (const element in right) if (element !== '.' && !(element in left)) return false
  return true
}

// Field names, then keys, then values; numbers by size.
function compareElements(a: string, b: string): number {
  if (a[0] !== b[0] || (a[0] !== 'k' && a[0] !== 'v')) return a < b ? -1 : 1
  const left: unknown = JSON.parse(a.slice(2))
  const right: unknown = JSON.parse(b.slice(2))
  return a[0] === 'v' ? compareValues(left, right) : compareKeys(Object.entries(left as object), Object.entries(right as object))
}

function compareKeys(left: [string, unknown][], right: [string, unknown][]): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [leftName, leftValue] = left[i]!
    const [rightName, rightValue] = right[i]!
    const order = compareValues(leftName, rightName) || compareValues(leftValue, rightValue)
    if (order) return order
  }
  return left.length - right.length
}

function compareValues(left: unknown, right: unknown): number {
  if (left === right) return 0
  if (typeof left === 'number' && typeof right === 'number') return left - right
  return String(left) < String(right) ? -1 : 1
}

/** In the order in which it is written: by path element. */
export function sortedSet(set: FieldTree): FieldTree {
  const elements = Object.keys(set)
  if (elements.length === 0) return leaf
  const result: Draft = {}
  for (const element of elements.sort(compareElements)) result[element] = element === '.' ? leaf : sortedSet(set[element]!)
  return result
}

/** Every member, at each level members before what lies deeper. */
export function members(set: FieldTree): string[][] {
  const found: string[][] = []
  const walk = (node: FieldTree, path: string[]) => {
    const elements = Object.keys(node).filter((e) => e !== '.').sort(compareElements)
    for (const element of elements) if (isMember(node[element])) found.push([...path, element])
    for (const element of elements) walk(node[element]!, [...path, element])
  }
  walk(set, [])
  return found
}

/** As in `.spec.containers[name="x"].image`. */
export function showPath(path: readonly string[]): string {
  return path.map((element) => {
    const rest = element.slice(2)
    if (element.startsWith('f:')) return `.${rest}`
    if (element.startsWith('v:')) return `[=${rest}]`
    if (element.startsWith('i:')) return `[${rest}]`
    const key = JSON.parse(rest) as Record<string, unknown>
    return `[${Object.keys(key).sort().map((name) => `${name}=${JSON.stringify(key[name])}`).join(',')}]`
  }).join('')
}

/** A set of the fields with these dotted paths. */
export function setOfPaths(paths: readonly string[]): FieldTree {
  let result: FieldTree = leaf
  for (const path of paths) result = union(result, path.split('.').reduceRight<FieldTree>((below, name) => ({ [`f:${name}`]: below }), leaf))
  return result
}
