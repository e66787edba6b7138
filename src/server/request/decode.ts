// From the bytes of a body to an object of the version that is asked for, checked as Go's decoder would, with its defaults.
import { parseJson } from '../../api/codec/json.ts'
import { parseProtobuf } from '../../api/codec/protobuf.ts'
import { parseYaml } from '../../api/codec/yaml.ts'
import { apiVersionOf, parseApiVersion, type KubeObject } from '../../api/object.ts'
import { applyDefaults, decodeStrict, schemas } from '../../api/schema/index.ts'
import { badRequestError, type StatusError } from '../../api/status-error.ts'
import type { Call } from '../call.ts'
import type { Registry, ServedResource } from '../registry.ts'
import { clone } from '../store/bytes.ts'
import { toStorage } from '../store/versions.ts'
import { negotiateInput } from './negotiate.ts'
import type { WriteOptions } from './query.ts'

interface Parsed {
  value: unknown
  duplicates: string[]
  /** Then duplicates were found before anything was decoded, and are named first. */
  yaml?: boolean
}

/** The body of a create or update, in the storage version, mutable, with defaults. @throws StatusError 400, 415 */
export async function decodeBody(call: Call, options: WriteOptions): Promise<KubeObject> {
  const { resource } = call
  const parsed = await parseBody(call, resource.definition.kind)
  checkKind(call.parts.registry, resource, parsed.value)
  return settle(resource, decodeServed(call, parsed, options))
}

/** Brings an object of the served version into the storage version and completes its defaults. */
export function settle(resource: ServedResource, served: KubeObject): KubeObject {
  const draft = toStorage(resource, served)
  resource.definition.defaults?.(draft)
  return draft
}

export async function parseBody({ request }: Pick<Call, 'request'>, kind: string): Promise<Parsed> {
  const { body, headers } = request
  if (body !== undefined && !Buffer.isBuffer(body)) return { value: clone(body), duplicates: [] }
  const format = negotiateInput(headers['content-type'])
  const bytes = body ?? Buffer.alloc(0)
  if (format === 'protobuf') return { value: parseProtobuf(bytes), duplicates: [] }
  return format === 'yaml' ? { ...(await parseYaml(bytes, { mustBe: kind })), yaml: true } : parseJson(bytes, { mustBe: kind })
}

/** Types are checked, unknown fields dropped and reported as the caller wished, defaults set. */
export function decodeServed(call: Call, parsed: Parsed, options: Pick<WriteOptions, 'fieldValidation'>, refuse = unhandled(call)): KubeObject {
  const { resource } = call
  const schema = schemas.definition(resource.version.schema)
  const { object, unknown, errors } = decodeStrict(schema, parsed.value)
  if (errors.length > 0) throw refuse(errors[0]!)
  reportUnknown(call, parsed.yaml ? [...parsed.duplicates, ...unknown] : [...unknown, ...parsed.duplicates], options, refuse)
  applyDefaults(schema, object)
  object.kind = resource.definition.kind
  object.apiVersion = resource.apiVersion
  return object
}

function reportUnknown(call: Call, problems: readonly string[], { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>, refuse: (why: string) => StatusError): void {
  if (problems.length === 0 || fieldValidation === 'Ignore') return
  if (fieldValidation === 'Warn') return problems.forEach(call.warn)
  throw refuse(`strict decoding error: ${problems.join(', ')}`)
}

const unhandled = ({ resource }: Call) => (why: string): StatusError => cannotBeHandled(resource, resource.definition.kind, resource.version.name, why)

const cannotBeHandled = (resource: ServedResource, kind: string, version: string, why: string) =>
  badRequestError(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.definition.kind}: ${why}`)

/** For bodies that are not of the resource's own kind. @throws StatusError 400 */
export function checkKindIs(value: unknown, expected: { apiVersion: string; kind: string }): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequestError(`the object provided is unrecognized (must be of type ${expected.kind})`)
  const { kind = expected.kind, apiVersion = expected.apiVersion } = value as KubeObject
  if (kind === expected.kind && apiVersion === expected.apiVersion) return
  const version = apiVersion.split('/').at(-1)
  throw badRequestError(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
}

/** `kind` and `apiVersion` may be missing; where they are there they must be those of the path. */
export function checkKind(registry: Registry, resource: ServedResource, value: unknown, refuse?: (why: string) => StatusError): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const given = value as KubeObject
  const kind = typeof given.kind === 'string' && given.kind ? given.kind : resource.definition.kind
  const apiVersion = typeof given.apiVersion === 'string' && given.apiVersion ? given.apiVersion : resource.apiVersion
  if (kind === resource.definition.kind && apiVersion === resource.apiVersion) return
  const known = registry.definitions().find((d) => d.kind === kind && d.versions.some((v) => apiVersionOf({ group: d.group, version: v.name }) === apiVersion))
  const { version } = parseApiVersion(apiVersion)
  const wrong = (why: string) => refuse?.(why) ?? cannotBeHandled(resource, kind, version, why)
  if (!known) throw wrong(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
  if (known.group === resource.definition.group && known.kind === resource.definition.kind) {
    throw badRequestError(`the API version in the data (${apiVersion}) does not match the expected API version (${resource.apiVersion})`)
  }
  throw wrong(`converting (${version}.${kind}) to (${resource.definition.group.split('.')[0] || 'core'}.${resource.definition.kind}): unknown conversion`)
}
