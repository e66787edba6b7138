// OpenAPI version 2: one document for everything, which older clients ask for.
import type { ResourceDefinition } from '../resource.ts'
import { type Json, metaName } from './definitions.ts'
import { loadDescriptions } from './descriptions.ts'
import { type Operation, actionOf, operationsOf, parameterType } from './operations.ts'
import { reachableDefinitions } from './reachable.ts'
import { markForAllGroups, openApiPaths } from './v3.ts'

export interface OpenApiV2 {
  swagger: '2.0'
  info: { title: string; version: string }
  paths: Record<string, Json>
  definitions: Json
  securityDefinitions: Json
  security: Json[]
}

export async function openApiV2Document(definitions: readonly ResourceDefinition[]): Promise<OpenApiV2> {
  const operations = definitions.flatMap((d) => d.versions.flatMap((v) => operationsOf(d, v)))
  const names = operations.flatMap((o) => [o.answer, ...(o.body ? [o.body] : [])])
  const schemas = await reachableDefinitions([...names, metaName('WatchEvent')], 'v2', await loadDescriptions())
  markForAllGroups(schemas, openApiPaths(definitions))
  return {
    swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.36.0' }, paths: renderPaths(operations), definitions: schemas,
    securityDefinitions: { BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  }
}

const refTo = (name: string) => ({ $ref: `#/definitions/${name}` })
const produces = ['application/json', 'application/yaml']

function renderPaths(operations: readonly Operation[]): Record<string, Json> {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const item = (paths[operation.path] ??= { parameters: [...operation.pathParameters.map(pathParameter), queryParameter('pretty')] })
    item[operation.method] = renderOperation(operation)
  }
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const pathParameter = (name: string) => ({ uniqueItems: true, type: 'string', name, in: 'path', required: true })
const queryParameter = (name: string) => ({ uniqueItems: true, type: parameterType(name), name, in: 'query' })

function renderOperation({ verb, id, tag, summary, gvk, queryParameters, body, answer, patchTypes }: Operation): Json {
  const bodyParameter = body ? [{ name: 'body', in: 'body', ...(verb.startsWith('delete') ? {} : { required: true }), schema: refTo(body) }] : []
  return {
    description: summary, consumes: patchTypes ?? ['*/*'], produces: verb === 'list' ? [...produces, 'application/json;stream=watch'] : produces, schemes: ['https'], tags: [tag], operationId: id,
    ...(queryParameters.length || body ? { parameters: [...bodyParameter, ...queryParameters.map(queryParameter)] } : {}),
    responses: { 200: { description: 'OK', schema: refTo(answer) }, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': actionOf(verb),
    'x-kubernetes-group-version-kind': gvk,
  }
}
