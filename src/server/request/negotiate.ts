// Content negotiation (source: k8s.io/apiserver/pkg/endpoints/handlers/negotiation).
import { protobufType } from '../../api/codec/protobuf.ts'
import { notAcceptableError, StatusError, unsupportedMediaTypeError } from '../../api/status-error.ts'

export type Format = 'json' | 'yaml'

/** What the caller wants to be answered with. */
export interface OutputType {
  format: Format
  /** `Table`, `PartialObjectMetadata`, ...: the answer is transformed into this kind of `meta.k8s.io`. */
  as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  asVersion?: 'v1' | 'v1beta1'
}

interface AcceptClause {
  type: string
  parameters: Record<string, string>
}

const formats: ReadonlyMap<string, Format> = new Map([['application/json', 'json'], ['application/yaml', 'yaml'], ['application/*', 'json'], ['*/*', 'json']])
const mediaTypes = ['application/json', 'application/yaml']
const transformed = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])
const parsed = new Map<string, AcceptClause[]>()
const parsedBound = 256

/** Clauses in the caller's order of preference. */
export function parseAccept(accept: string): AcceptClause[] {
  const known = parsed.get(accept)
  if (known) return known
  const clauses = accept.split(',').map((clause) => {
    const [type = '', ...rest] = clause.split(';').map((part) => part.trim())
    const parameters: Record<string, string> = {}
    for (const pair of rest) {
      const at = pair.indexOf('=')
      if (at > 0) parameters[pair.slice(0, at).toLowerCase()] = pair.slice(at + 1)
    }
    return { type: type.toLowerCase(), parameters }
  }).filter((clause) => clause.type !== '')
  const quality = (clause: AcceptClause) => Number(clause.parameters.q ?? 1)
  clauses.sort((a, b) => quality(b) - quality(a))
  if (parsed.size >= parsedBound) parsed.clear()
  parsed.set(accept, clauses)
  return clauses
}

/** @param transforms whether there are tables and such of it. @throws StatusError 406 when none of the types is served. */
export function negotiateOutput(accept: string | undefined, { transforms }: { transforms: boolean }): OutputType {
  if (!accept) return { format: 'json' }
  const clauses = parseAccept(accept)
  for (const { type, parameters } of clauses) {
    const format = formats.get(type)
    if (!format) continue
    if (parameters.as === undefined) return { format }
    const { as, g, v } = parameters
    if (!transforms || !transformed.has(as) || g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) continue
    return { format, as: as as OutputType['as'], asVersion: v }
  }
  if (clauses.some(({ type }) => formats.has(type))) throw notAcceptableError(`only the following media types are accepted: ${mediaTypes.join(', ')}`)
  throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${mediaTypes.join(', ')}`, {})
}

/** @throws StatusError 415 */
export function negotiateInput(contentType: string | undefined): Format | 'protobuf' {
  const type = baseType(contentType)
  if (type === '' || type === 'application/json') return 'json'
  if (type === 'application/yaml') return 'yaml'
  if (type === protobufType) return 'protobuf'
  throw unsupported([...mediaTypes, protobufType])
}

/** Without parameters, in lower case. */
export const baseType = (contentType: string | undefined): string => (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()

const unsupported = (accepted: readonly string[]) =>
  unsupportedMediaTypeError(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)
