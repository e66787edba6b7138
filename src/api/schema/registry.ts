// The schemas of the built-in kinds, compiled when they are first asked for.
import { type FieldFacts, fieldFacts, isAtomicDefinition, kindFacts, shortName } from './facts.ts'
import type { Field, ScalarKind, Schema, StructSchema } from './schema.ts'

const compiled = new Map<string, StructSchema>()

const scalarKinds: Readonly<Record<string, [ScalarKind, string]>> = {
  s: ['string', 'string'], b: ['bool', 'bool'], i: ['int32', 'int32'], l: ['int64', 'int64'], u: ['uint32', 'uint32'], v: ['uint64', 'uint64'], d: ['float64', 'float64'],
  y: ['bytes', '[]uint8'], T: ['time', 'v1.Time'], M: ['microtime', 'v1.MicroTime'], D: ['duration', 'v1.Duration'], I: ['intOrString', 'intstr.IntOrString'],
  Q: ['quantity', 'resource.Quantity'],
}

export const schemas = {
  /** As in `io.k8s.api.core.v1.Pod`. @throws Error for a name that is not in the tables. */
  definition(name: string): StructSchema {
    return compile(shortName(name))
  },
  /** The definition of a kind; undefined when it is not built in. */
  ofKind(apiVersion: string, kind: string): StructSchema | undefined {
    const name = kindFacts[`${apiVersion}/${kind}`]
    return name === undefined ? undefined : compile(name)
  },
}

type Draft = { -readonly [K in keyof StructSchema]: StructSchema[K] } & { fields: Field[]; byName: Map<string, Field>; defaulted: Field[]; always: Field[] }

function compile(short: string): StructSchema {
  const known = compiled.get(short)
  if (known) return known
  const facts = fieldFacts(short)
  if (!facts) throw new Error(`no schema named ${short}`)
  const draft: Draft = {
    kind: 'struct', name: short, goType: goTypeOf(short), atomic: isAtomicDefinition(short), fields: [], byName: new Map(), defaulted: [], always: [], preserveUnknown: false,
  }
  compiled.set(short, draft)
  addFields(draft, facts, '')
  return draft
}

const goTypeOf = (short: string): string => short.split('.').slice(-2).join('.')

function addFields(draft: Draft, facts: readonly FieldFacts[], numbers: string): void {
  for (const fact of facts) {
    if (fact.name === '') addFields(draft, fieldFacts(fact.type.replace(/^\*?@/, ''))!, `${numbers}${fact.protobuf}.`)
    else addField(draft, keepEmpty(draft, compileField(fact, numbers)))
  }
}

function addField(draft: Draft, field: Field): void {
  draft.fields.push(field)
  draft.byName.set(field.name, field)
  if (field.always) draft.always.push(field)
  if (field.default !== undefined || hasDefaults(field.schema)) draft.defaulted.push(field)
}

// An empty list of managers is a request to forget them all, not an absent one.
const keepEmpty = (owner: Draft, field: Field): Field => (field.name === 'managedFields' && owner.name.endsWith('.ObjectMeta') ? { ...field, pointer: true } : field)

function compileField(fact: FieldFacts, numbers: string): Field {
  const pointer = fact.type.startsWith('*')
  const [strategies, mergeKey] = (fact.values.get('p') ?? ';').split(';')
  const preset = fact.values.get('d')
  const choices = fact.values.get('e')
  return {
    name: fact.name,
    schema: compileType(pointer ? fact.type.slice(1) : fact.type, fact),
    pointer,
    always: fact.flags.has('!'),
    required: fact.flags.has('r'),
    ...(preset === undefined ? {} : { default: JSON.parse(preset) as unknown }),
    ...(choices === undefined ? {} : { enum: choices.split(',') }),
    patchStrategy: strategies ? strategies.split(',') : [],
    ...(mergeKey ? { patchMergeKey: mergeKey } : {}),
    protobuf: numbers + fact.protobuf,
  }
}

function compileType(type: string, fact?: FieldFacts): Schema {
  const named = fact?.values.get('t')
  if (type.startsWith('@')) return withMapType(compile(type.slice(1)), fact)
  if (type.startsWith('*')) return compileType(type.slice(1))
  if (type.startsWith('[]')) {
    const items = compileType(type.slice(2))
    const keys = fact?.values.get('m')
    const goType = named ?? `[]${items.goType}`
    return { kind: 'list', items: namedItems(items, goType), listType: keys ? 'map' : fact?.flags.has('s') ? 'set' : 'atomic', keys: keys?.split(',') ?? [], goType }
  }
  if (type.startsWith('{}')) {
    const values = compileType(type.slice(2))
    const goType = named ?? `map[string]${values.goType}`
    return { kind: 'map', values, atomic: fact?.flags.has('A') ?? false, goType }
  }
  const scalar = scalarKinds[type]
  if (!scalar) return { kind: 'any', goType: 'interface {}' }
  return { kind: scalar[0], goType: named ?? scalar[1] }
}

// A field may say of its struct that it is owned as a whole, or not.
function withMapType(schema: StructSchema, fact: FieldFacts | undefined): StructSchema {
  const atomic = fact?.flags.has('A') ? true : fact?.flags.has('G') ? false : schema.atomic
  return atomic === schema.atomic ? schema : { ...schema, atomic }
}

// `[]v1.Verb`-like lists name their items' type.
const namedItems = (items: Schema, goType: string): Schema =>
  items.kind !== 'struct' && goType.startsWith('[]') && goType.slice(2) !== items.goType ? { ...items, goType: goType.slice(2) } : items

function hasDefaults(schema: Schema): boolean {
  if (schema.kind === 'list') return hasDefaults(schema.items)
  if (schema.kind === 'map') return hasDefaults(schema.values)
  return schema.kind === 'struct' && schema.defaulted.length > 0
}
