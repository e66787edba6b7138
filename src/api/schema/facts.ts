// Reads the table of interface facts. Each definition is a text with a line for each field: name, type, protobuf field number, attributes.
//   Types: s string, b bool, i int32, l int64, u uint32, v uint64, d float64, y base64 bytes, T Time, M MicroTime, D Duration, I IntOrString,
//   Q Quantity, R RawExtension, F FieldsV1, J and A any JSON, @name another definition; before them * pointer, [] list, {} map.
//   Attributes: ! written also when zero, r required, t(Go type), a s m(keys) list type atomic, set, map, A atomic map, G granular map,
//   p(strategies;merge key) strategic merge patch, d(default as JSON), o the default is in OpenAPI too,
//   z OpenAPI gives the zero value as default, e(values). A line `> type number` embeds a definition.
import facts from './facts.json' with { type: 'json' }

export interface FieldFacts {
  /** Empty: the fields of `type` are embedded. */
  name: string
  type: string
  protobuf: string
  flags: ReadonlySet<string>
  values: ReadonlyMap<string, string>
}

const types: Readonly<Record<string, string>> = facts.types
const atomic = new Set<string>(facts.atomic)
const coreApi = 'io.k8s.api.'

export const shortName = (definition: string): string => (definition.startsWith(coreApi) ? definition.slice(coreApi.length) : definition)
export const fullName = (short: string): string => (short.startsWith('io.k8s.') ? short : coreApi + short)

/** Definition names by `group/version/Kind` (`v1/Pod` in the core group). */
export const kindFacts: Readonly<Record<string, string>> = facts.kinds

export const definitionNames = (): string[] => Object.keys(types).map(fullName)
export const isAtomicDefinition = (short: string): boolean => atomic.has(short)

export function fieldFacts(short: string): FieldFacts[] | undefined {
  const text = Object.hasOwn(types, short) ? types[short]! : undefined
  return text === undefined ? undefined : text === '' ? [] : text.split('\n').map(readLine)
}

function readLine(line: string): FieldFacts {
  const [name, type, protobuf, ...attributes] = line.split(' ')
  const flags = new Set<string>()
  const values = new Map<string, string>()
  for (const attribute of attributes) {
    const open = attribute.indexOf('(')
    if (open < 0) flags.add(attribute)
    else values.set(attribute.slice(0, open), attribute.slice(open + 1, -1).replaceAll('%20', ' '))
  }
  return { name: name === '>' ? '' : name!, type: type!, protobuf: protobuf!, flags, values }
}
