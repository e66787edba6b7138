// Whether an applied configuration fits its schema, with the words of sigs.k8s.io/structured-merge-diff.
import { goInterfaceType, goPrint } from '../patch/go-words.ts'
import type { ScalarKind, Schema } from '../schema/schema.ts'
import { showPath } from './field-set.ts'
import { isTree, itemElement } from './shape.ts'

const numeric = new Set<ScalarKind>(['int32', 'int64', 'uint32', 'uint64', 'float64'])
const untyped = new Set<ScalarKind>(['intOrString', 'quantity'])

/** What is wrong, as in `.spec.foo: field not declared in schema`; undefined when nothing is. */
export function findMisfit(schema: Schema, value: unknown): string | undefined {
  const found = check(schema, value).map(({ path, text }) => (path === '' ? text : `${path}: ${text}`))
  return found.length <= 1 ? found[0] : ['errors:', ...found.map((line) => `  ${line}`)].join('\n')
}

interface Misfit {
  path: string
  text: string
}

const below = (prefix: string, misfits: Misfit[]): Misfit[] => misfits.map(({ path, text }) => ({ path: prefix + path, text }))
const one = (text: string): Misfit[] => [{ path: '', text }]

function check(schema: Schema, value: unknown): Misfit[] {
  if (value === null || value === undefined || schema.kind === 'any') return []
  if (schema.kind === 'list') return Array.isArray(value) ? checkItems(schema, value) : one(`expected list, got ${show(value)}`)
  if (schema.kind === 'struct' || schema.kind === 'map') return isTree(value) ? checkFields(schema, value) : one(`expected map, got ${show(value)}`)
  return checkScalar(schema.kind, value)
}

function checkFields(schema: Extract<Schema, { kind: 'struct' | 'map' }>, value: Record<string, unknown>): Misfit[] {
  const found: Misfit[] = []
  for (const key of Object.keys(value).sort()) {
    const field = schema.kind === 'map' ? schema.values : schema.byName.get(key)?.schema
    if (field) found.push(...below(`.${key}`, check(field, value[key])))
    else if (schema.kind === 'struct' && !schema.preserveUnknown) return [...found, { path: `.${key}`, text: 'field not declared in schema' }]
  }
  return found
}

function checkItems(schema: Extract<Schema, { kind: 'list' }>, items: unknown[]): Misfit[] {
  const found: Misfit[] = []
  const seen = new Set<string>()
  for (const [i, item] of items.entries()) {
    if (schema.listType === 'atomic') {
      found.push(...below(`[${i}]`, check(schema.items, item)))
      continue
    }
    const problem = itemProblem(schema, item)
    if (problem) return [...found, ...one(`element ${i}: ${problem}`)]
    const element = itemElement(schema, item)
    if (seen.has(element)) found.push(...one(`duplicate entries for key ${showPath([element])}`))
    seen.add(element)
    found.push(...below(showPath([element]), check(schema.items, item)))
  }
  return found
}

function itemProblem(schema: Extract<Schema, { kind: 'list' }>, item: unknown): string | undefined {
  if (schema.listType === 'map') {
    if (item === null) return 'associative list with keys may not have a null element'
    if (!isTree(item)) return 'associative list with keys may not have non-map elements'
    if (itemElement(schema, item) !== 'k:{}') return undefined
    return `associative list with keys has an element that omits all key fields [${schema.keys.map((k) => JSON.stringify(k)).join(' ')}] (and doesn't have default values for any key fields)`
  }
  if (item === null) return "associative list without keys has an element that's an explicit null"
  if (Array.isArray(item)) return 'not supported: associative list with lists as elements'
  return isTree(item) ? "associative list without keys has an element that's a map type" : undefined
}

function checkScalar(kind: ScalarKind, value: unknown): Misfit[] {
  const type = typeof value
  if (untyped.has(kind)) return type === 'object' ? one(`expected any scalar, got ${show(value)}`) : []
  if (numeric.has(kind)) return type === 'number' || type === 'bigint' ? [] : one(`expected numeric (int or float), got ${goInterfaceType(value)}`)
  if (kind === 'bool') return type === 'boolean' ? [] : one(`expected boolean, got ${show(value)}`)
  return type === 'string' ? [] : one(`expected string, got &value.valueUnstructured{Value:${goValue(value)}}`)
}

const goValue = (value: unknown): string => (typeof value === 'object' ? `${goInterfaceType(value)}{...}` : String(value))
const show = (value: unknown): string => `&{${goPrint(value)}}`
