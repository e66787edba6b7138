// OpenAPI version 3: an index, and one document for each group version.
import { createHash } from 'node:crypto'
import type { ResourceDefinition } from '../resource.ts'
import { type Gvk, type Json, metaName } from './definitions.ts'
import { loadDescriptions } from './descriptions.ts'
import { type Operation, actionOf, operationsOf, parameterType, rootPath } from './operations.ts'
import { reachableDefinitions } from './reachable.ts'

export interface GroupVersionPath {
  /** As in `apis/apps/v1`. */
  path: string
  group: string
  version: string
}

const info = { title: 'Kubernetes', version: 'v1.36.0' }

/** Group versions that have a document, in order. */
export function openApiPaths(definitions: readonly ResourceDefinition[]): GroupVersionPath[] {
  const found = new Map<string, GroupVersionPath>()
  for (const { group, versions } of definitions) for (const { name } of versions) found.set(rootPath(group, name), { path: rootPath(group, name), group, version: name })
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Changes whenever the document may: with the build, and with the kinds of the group version. */
export function openApiV3Hash({ group, version }: Omit<GroupVersionPath, 'path'>, definitions: readonly ResourceDefinition[], build: string): string {
  const shape = servedIn(definitions, group, version).map(({ operations }) => operations.map((o) => `${o.method} ${o.path} ${o.answer}`))
  return createHash('sha512').update(JSON.stringify([build, group, version, shape])).digest('hex').toUpperCase()
}

/** The answer to `/openapi/v3`. @param build names the program's build, so that clients forget documents of another one */
export function openApiV3Index(definitions: readonly ResourceDefinition[], build: string): { paths: Record<string, { serverRelativeURL: string }> } {
  const entries = openApiPaths(definitions).map((at) => [at.path, { serverRelativeURL: `/openapi/v3/${at.path}?hash=${openApiV3Hash(at, definitions, build)}` }] as const)
  return { paths: Object.fromEntries(entries) }
}

interface DocumentOptions {
  group: string
  version: string
  definitions: readonly ResourceDefinition[]
}

/** Undefined where nothing is served in that group version. */
export async function openApiV3Document({ group, version, definitions }: DocumentOptions): Promise<Json | undefined> {
  const served = servedIn(definitions, group, version)
  if (!served.length) return undefined
  const operations = served.flatMap((s) => s.operations)
  const names = operations.flatMap((o) => [o.answer, ...(o.body ? [o.body] : [])])
  const schemas = await reachableDefinitions([...names, metaName('DeleteOptions'), metaName('WatchEvent')], 'v3', await loadDescriptions())
  markForAllGroups(schemas, [{ group: '', version: 'v1' }, ...(group === '' ? [] : [{ group, version }])])
  return {
    openapi: '3.0.0', info, paths: renderPaths(operations),
    components: { schemas, securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } } },
  }
}

function servedIn(definitions: readonly ResourceDefinition[], group: string, version: string): { operations: Operation[] }[] {
  return definitions.filter((d) => d.group === group).flatMap((d) => d.versions.filter((v) => v.name === version).map((v) => ({ operations: operationsOf(d, v) })))
}

/** These two are kinds of every group version. */
export function markForAllGroups(schemas: Json, groupVersions: readonly { group: string; version: string }[]): void {
  for (const kind of ['DeleteOptions', 'WatchEvent']) {
    const schema = schemas[metaName(kind)] as Json | undefined
    const all: Gvk[] = groupVersions.map(({ group, version }) => ({ group, version, kind }))
    if (schema) schemas[metaName(kind)] = { ...schema, 'x-kubernetes-group-version-kind': all }
  }
}

const contentTypes = ['application/json', 'application/yaml']
const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const content = (name: string, types: readonly string[] = contentTypes) => Object.fromEntries(types.map((type) => [type, { schema: refTo(name) }]))

function renderPaths(operations: readonly Operation[]): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const item = (paths[operation.path] ??= { parameters: [...operation.pathParameters.map(pathParameter), queryParameter('pretty')] })
    item[operation.method] = renderOperation(operation)
  }
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const pathParameter = (name: string) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })
const queryParameter = (name: string) => ({ name, in: 'query', schema: { type: parameterType(name), uniqueItems: true } })

function renderOperation({ verb, id, tag, summary, gvk, queryParameters, body, answer, patchTypes }: Operation): Json {
  const types = verb === 'list' ? [...contentTypes, 'application/json;stream=watch'] : contentTypes
  const success = { description: 'OK', content: content(answer, types) }
  return {
    tags: [tag], description: summary, operationId: id,
    ...(queryParameters.length ? { parameters: queryParameters.map(queryParameter) } : {}),
    ...(body ? { requestBody: { content: content(body, patchTypes ?? ['*/*']), required: !verb.startsWith('delete') } } : {}),
    responses: { 200: success, ...(verb === 'create' || verb === 'update' || verb === 'patch' ? { 201: { ...success, description: 'Created' } } : {}), 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': actionOf(verb),
    'x-kubernetes-group-version-kind': gvk,
  }
}
