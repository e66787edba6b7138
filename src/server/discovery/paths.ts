// Discovery: the lists of groups, versions and resources, one by one and aggregated (source: KEP-3352). Made anew when the kinds change.
import { createHash } from 'node:crypto'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import { apiVersionOf } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { genericNotFoundError } from '../../api/status-error.ts'
import { answerObject } from '../answer.ts'
import type { NonResourceHandlers } from '../non-resource.ts'
import type { Registry } from '../registry.ts'
import { parseAccept } from '../request/negotiate.ts'
import { aggregated } from './aggregated.ts'
import { groupList, groupOf, groupsOf, resourceList } from './legacy.ts'
import type { DescribedHandlers } from './resources.ts'

export function addDiscovery(paths: NonResourceHandlers, registry: Registry, handlers: DescribedHandlers): void {
  const aggregate = memoised(registry, (core: boolean) => aggregatedBytes(registry, handlers, core))
  const root = (core: boolean, legacy: () => object) => (request: ApiRequest) => {
    const version = request.acceptObjects ? undefined : aggregatedVersion(request.headers.accept)
    return version ? answerAggregated(request, aggregate(core), version) : answer(request, legacy())
  }
  const document = (request: ApiRequest) => answer(request, byPath(registry, handlers, request.path))
  paths.add('/api', root(true, () => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })))
  paths.add('/apis', root(false, () => groupList(registry.definitions())))
  for (const path of initialPaths(registry.definitions())) paths.add(path, document)
  paths.add('/api/*', document)
  paths.add('/apis/*', document)
}

const answer = (request: ApiRequest, object: object): ApiResponse =>
  answerObject(object, { acceptObjects: request.acceptObjects, pretty: /^(curl|Wget|Mozilla)/.test(request.headers['user-agent'] ?? '') })

function initialPaths(definitions: readonly ResourceDefinition[]): string[] {
  const found = new Set<string>()
  for (const { group, versions } of definitions) {
    if (group) found.add(`/apis/${group}`)
    for (const { name } of versions) found.add(group ? `/apis/${group}/${name}` : `/api/${name}`)
  }
  return [...found]
}

function byPath(registry: Registry, handlers: DescribedHandlers, path: string): object {
  const [root, ...rest] = path.split('/').filter((part) => part !== '')
  const [group = '', version] = root === 'api' ? ['', ...rest] : rest
  const definitions = registry.definitions().filter((d) => d.group === group)
  if (definitions.length === 0) throw genericNotFoundError()
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, groupsOf(definitions).get(group)!) }
  const served = definitions.filter((d) => d.versions.some((v) => v.name === version))
  if (served.length === 0) throw genericNotFoundError()
  return resourceList(apiVersionOf({ group, version }), version, served, handlers)
}

function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') continue
    if (parameters.as === undefined) return undefined
    if (parameters.as === 'APIGroupDiscoveryList' && parameters.g === 'apidiscovery.k8s.io' && (parameters.v === 'v2' || parameters.v === 'v2beta1')) return parameters.v
  }
  return undefined
}

interface Document {
  json: string
  etag: string
}

function aggregatedBytes(registry: Registry, handlers: DescribedHandlers, core: boolean): Document {
  const json = JSON.stringify(aggregated(registry.definitions().filter((d) => (d.group === '') === core), handlers))
  return { json, etag: `"${createHash('sha512').update(json).digest('hex').toUpperCase()}"` }
}

function answerAggregated(request: ApiRequest, { json, etag }: Document, version: 'v2' | 'v2beta1'): ApiResponse {
  const headers = { 'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`, etag, vary: 'Accept', 'cache-control': 'public' }
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: { kind: 'bytes', bytes: Buffer.alloc(0) } }
  const head = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/${version}","metadata":{},"items":`
  return { status: 200, headers, body: { kind: 'bytes', bytes: Buffer.from(`${head}${json}}\n`) } }
}

function memoised<K, V>(registry: Registry, make: (key: K) => V): (key: K) => V {
  const made = new Map<K, { generation: number; value: V }>()
  return (key) => {
    const known = made.get(key)
    if (known?.generation === registry.generation) return known.value
    const value = make(key)
    made.set(key, { generation: registry.generation, value })
    return value
  }
}
