// The version 2 document as a protobuf message, `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`, which kubectl up to 1.26 insists on.
// Message shapes and field numbers are those of gnostic's OpenAPIv2.proto; extensions travel as YAML text, for which JSON will do.
import type { Json } from './definitions.ts'
import type { OpenApiV2 } from './v2.ts'

export const openApiV2ProtobufType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'

function varint(value: number): Buffer {
  const bytes: number[] = []
  while (value > 0x7f) {
    bytes.push((value & 0x7f) | 0x80)
    value = Math.floor(value / 128)
  }
  return Buffer.from([...bytes, value])
}

/** A length-delimited field. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

const text = (number: number, value: unknown): Buffer => (typeof value === 'string' && value !== '' ? field(number, Buffer.from(value)) : none)
const flag = (number: number, value: unknown): Buffer => (value === true ? Buffer.concat([varint(number * 8), varint(1)]) : none)
const texts = (number: number, values: unknown): Buffer => (Array.isArray(values) ? Buffer.concat(values.map((value) => text(number, value))) : none)
const none = Buffer.alloc(0)

const any = (value: unknown): Buffer => text(2, `${JSON.stringify(value)}\n`)
const named = (number: number, name: string, value: Buffer): Buffer => field(number, Buffer.concat([text(1, name), field(2, value)]))

const extensions = (number: number, source: Json): Buffer =>
  Buffer.concat(Object.entries(source).filter(([key]) => key.startsWith('x-')).map(([key, value]) => named(number, key, any(value))))

function schema(source: Json): Buffer {
  const { additionalProperties, items, properties, type } = source
  return Buffer.concat([
    text(1, source.$ref), text(2, source.format), text(4, source.description),
    source.default === undefined ? none : field(5, any(source.default)),
    texts(19, source.required),
    ...(Array.isArray(source.enum) ? source.enum.map((value) => field(20, any(value))) : []),
    additionalProperties ? field(21, field(1, schema(additionalProperties as Json))) : none,
    type ? field(22, text(1, type)) : none,
    items ? field(23, field(1, schema(items as Json))) : none,
    properties ? field(25, namedSchemas(properties as Record<string, Json>)) : none,
    extensions(31, source),
  ])
}

const namedSchemas = (sources: Record<string, Json>): Buffer => Buffer.concat(Object.entries(sources).map(([name, source]) => named(1, name, schema(source))))

function parameter(source: Json): Buffer {
  if (source.in === 'body')
    return field(1, field(1, Buffer.concat([text(1, source.description), text(2, source.name), text(3, 'body'), flag(4, source.required), field(5, schema(source.schema as Json))])))
  const head = [flag(1, source.required), text(2, source.in), text(3, source.description), text(4, source.name)]
  const inPath = source.in === 'path'
  const content = Buffer.concat([...head, text(inPath ? 5 : 6, source.type), flag(inPath ? 18 : 20, source.uniqueItems)])
  return field(1, field(2, field(inPath ? 4 : 3, content)))
}

const parameters = (number: number, list: unknown): Buffer => (Array.isArray(list) ? Buffer.concat(list.map((p) => field(number, parameter(p as Json)))) : none)

function response(source: Json): Buffer {
  return field(1, Buffer.concat([text(1, source.description), source.schema ? field(2, field(1, schema(source.schema as Json))) : none]))
}

function operation(source: Json): Buffer {
  const responses = Object.entries(source.responses as Record<string, Json>).map(([code, value]) => named(1, code, response(value)))
  return Buffer.concat([
    texts(1, source.tags), text(3, source.description), text(5, source.operationId), texts(6, source.produces), texts(7, source.consumes), parameters(8, source.parameters),
    field(9, Buffer.concat(responses)), texts(10, source.schemes), extensions(13, source),
  ])
}

const methods: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 }

function pathItem(source: Json): Buffer {
  const operations = Object.entries(methods).flatMap(([method, number]) => (source[method] ? [field(number, operation(source[method] as Json))] : []))
  return Buffer.concat([...operations, parameters(9, source.parameters)])
}

const slice = 30

/** Encodes the entries one by one and gives way to other work in between. */
async function namedSlices(number: number, sources: Record<string, Json>, encode: (source: Json) => Buffer): Promise<Buffer> {
  const parts: Buffer[] = []
  for (const [name, source] of Object.entries(sources)) {
    parts.push(named(number, name, encode(source)))
    if (parts.length % slice === 0) await new Promise(setImmediate)
  }
  return Buffer.concat(parts)
}

export async function encodeOpenApiV2({ swagger, info, paths, definitions }: OpenApiV2): Promise<Buffer> {
  return Buffer.concat([
    text(1, swagger),
    field(2, Buffer.concat([text(1, info.title), text(2, info.version)])),
    field(8, await namedSlices(2, paths, pathItem)),
    field(9, await namedSlices(1, definitions as Record<string, Json>, schema)),
  ])
}
