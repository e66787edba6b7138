// The definitions of built-in types in the two dialects of OpenAPI that clients ask for.
import { type FieldFacts, fieldFacts, fullName, isAtomicDefinition, kindFacts } from '../schema/facts.ts'
import type { Descriptions } from './descriptions.ts'

export type Dialect = 'v2' | 'v3'
export type Json = Record<string, unknown>

export interface DefinitionContext {
  dialect: Dialect
  descriptions: Descriptions
  /** Called with every definition that is referred to. */
  reach(name: string): void
}

export interface Gvk {
  group: string
  version: string
  kind: string
}

const api = 'io.k8s.apimachinery.pkg'
export const metaName = (kind: string): string => `${api}.apis.meta.v1.${kind}`
const wellKnown: Readonly<Record<string, string>> = {
  T: metaName('Time'), M: metaName('MicroTime'), F: metaName('FieldsV1'), Q: `${api}.api.resource.Quantity`, I: `${api}.util.intstr.IntOrString`, R: `${api}.runtime.RawExtension`,
  J: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
}

const special = (dialect: Dialect): Readonly<Record<string, Json>> => ({
  [wellKnown.T!]: { type: 'string', format: 'date-time' },
  [wellKnown.M!]: { type: 'string', format: 'date-time' },
  [wellKnown.F!]: { type: 'object' },
  [wellKnown.R!]: { type: 'object' },
  [wellKnown.J!]: {},
  [wellKnown.Q!]: dialect === 'v3' ? { oneOf: [{ type: 'string' }, { type: 'number' }] } : { type: 'string' },
  [wellKnown.I!]: dialect === 'v3' ? { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type: 'string', format: 'int-or-string' },
  [metaName('Patch')]: { description: 'A change to an object, in one of the patch formats.', type: 'object' },
})

const kindsOf = new Map<string, Gvk>()
for (const [gvk, name] of Object.entries(kindFacts)) {
  const parts = gvk.split('/')
  const [version, kind] = parts.slice(-2) as [string, string]
  kindsOf.set(name, { group: parts.length === 3 ? parts[0]! : '', version, kind })
}

/** @param name as in `io.k8s.api.core.v1.Pod` */
export function definition(name: string, context: DefinitionContext): Json {
  const fixed = special(context.dialect)[name]
  if (fixed) return fixed
  const short = name.replace(/^io\.k8s\.api\./, '')
  const fields = flatten(short)
  const texts = context.descriptions[short] ?? {}
  const required = fields.filter((f) => f.flags.has('r')).map((f) => f.name)
  const gvk = kindsOf.get(short)
  return {
    ...(texts[''] ? { description: texts[''] } : {}),
    type: 'object',
    ...(required.length ? { required } : {}),
    ...(fields.length ? { properties: Object.fromEntries(fields.map((f) => [f.name, property(f, texts[f.name], context)]).sort(([a], [b]) => (a! < b! ? -1 : 1))) } : {}),
    ...(gvk ? { 'x-kubernetes-group-version-kind': [gvk] } : {}),
    ...(isAtomicDefinition(short) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  }
}

const flatten = (short: string): FieldFacts[] =>
  (fieldFacts(short) ?? []).flatMap((fact) => (fact.name === '' ? flatten(fact.type.replace(/^\*?@/, '')) : [fact]))

function property(fact: FieldFacts, description: string | undefined, context: DefinitionContext): Json {
  const type = fact.type.replace(/^\*/, '')
  const shape = typeShape(type, context, fact)
  const [strategy, mergeKey] = (fact.values.get('p') ?? ';').split(';')
  const keys = fact.values.get('m')
  const listType = keys ? 'map' : fact.flags.has('s') ? 'set' : fact.flags.has('a') ? 'atomic' : undefined
  return {
    ...(description ? { description } : {}),
    ...shape,
    ...presetOf(fact, context.dialect),
    ...(fact.flags.has('A') ? { 'x-kubernetes-map-type': 'atomic' } : fact.flags.has('G') ? { 'x-kubernetes-map-type': 'granular' } : {}),
    ...(keys ? { 'x-kubernetes-list-map-keys': keys.split(',') } : {}),
    ...(listType ? { 'x-kubernetes-list-type': listType } : {}),
    ...(mergeKey ? { 'x-kubernetes-patch-merge-key': mergeKey } : {}),
    ...(strategy ? { 'x-kubernetes-patch-strategy': strategy } : {}),
  }
}

const emptyValues: Readonly<Record<string, unknown>> = { s: '', b: false, i: 0, l: 0, u: 0, v: 0, d: 0 }

// Version 3 tells the value of what Go always writes.
function presetOf(fact: FieldFacts, dialect: Dialect): Json {
  if (fact.flags.has('o')) return { default: JSON.parse(fact.values.get('d')!) as unknown }
  const type = fact.type.replace(/^\*/, '')
  if (fact.flags.has('z')) return { default: emptyValues[type] }
  if (dialect === 'v2' || !fact.flags.has('!')) return {}
  if (fact.type in emptyValues) return { default: emptyValues[fact.type] }
  return fact.type.startsWith('@') ? { default: {} } : {}
}

const scalars: Readonly<Record<string, Json>> = {
  s: { type: 'string' }, b: { type: 'boolean' }, i: { type: 'integer', format: 'int32' }, l: { type: 'integer', format: 'int64' }, u: { type: 'integer', format: 'int64' },
  v: { type: 'integer', format: 'int64' }, d: { type: 'number', format: 'double' }, y: { type: 'string', format: 'byte' }, D: { type: 'string' }, A: {},
}

function typeShape(type: string, context: DefinitionContext, fact?: FieldFacts): Json {
  const values = fact?.values.get('e')?.split(',')
  if (type.startsWith('[]')) return { type: 'array', items: { ...itemShape(type.slice(2), context), ...(values ? { enum: values } : {}) } }
  if (type.startsWith('{}')) return { type: 'object', additionalProperties: itemShape(type.slice(2), context) }
  if (type.startsWith('@')) return reference(fullName(type.slice(1)), context, true)
  const known = wellKnown[type]
  if (known) return reference(known, context, true)
  return { ...scalars[type], ...(values ? { enum: values } : {}) }
}

function itemShape(type: string, context: DefinitionContext): Json {
  if (context.dialect === 'v2') return typeShape(type, context)
  if (type.startsWith('@')) return { default: {}, ...reference(fullName(type.slice(1)), context, true) }
  if (type in emptyValues) return { ...scalars[type], default: emptyValues[type] }
  const known = wellKnown[type]
  return known ? reference(known, context, false) : typeShape(type, context)
}

// In version 3 a reference with siblings stands in `allOf`.
function reference(name: string, { dialect, reach }: DefinitionContext, siblings: boolean): Json {
  reach(name)
  if (dialect === 'v2') return { $ref: `#/definitions/${name}` }
  const target = { $ref: `#/components/schemas/${name}` }
  return siblings ? { allOf: [target] } : target
}
