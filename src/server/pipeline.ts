// The way of a request: path → attributes → impersonation → authorization → limits → the verb. Every failure is an answer.
import { randomUUID } from 'node:crypto'
import type { ApiRequest, ApiResponse } from '../api/exchange.ts'
import { genericNotFoundError, StatusError } from '../api/status-error.ts'
import type { Attributes, UserInfo } from '../api/user.ts'
import { answerError, answerText } from './answer.ts'
import { impersonate } from './authentication/impersonation.ts'
import { forbiddenByAuthorizer } from './authorization/forbidden.ts'
import type { Call, ServerParts } from './call.ts'
import { addDiscovery } from './discovery/paths.ts'
import { verbsOfPart } from './discovery/resources.ts'
import { addHealth, type HealthChecks } from './health.ts'
import type { InFlight } from './in-flight.ts'
import type { Metrics } from './metrics.ts'
import { createNonResourceHandlers, type NonResourceHandlers } from './non-resource.ts'
import type { ServedResource } from './registry.ts'
import { negotiateOutput, type OutputType } from './request/negotiate.ts'
import { parsePath, type RequestInfo } from './request/path.ts'
import { warningHeaders } from './respond/warning-headers.ts'
import { addServerPaths } from './server-paths.ts'
import { addOpenApi } from './openapi-paths.ts'
import { ownSubresource, ownSubresources } from './subresources/own-subresources.ts'
import { runSubresource, subresourceHandler, upgradeSubresource } from './subresources/run-handler.ts'
import type { SubresourceHandler, SubresourceHandlers, UpgradedConnection } from './subresources/handler.ts'
import { methodNotAllowed, runVerb } from './verbs.ts'

interface PipelineOptions {
  parts: ServerParts
  metrics: Metrics
  inFlight: InFlight
  subresources: SubresourceHandlers
  /** As in `v1.36.3+mk8s`. */
  version: string
}

interface Pipeline {
  handle(request: ApiRequest): Promise<ApiResponse>
  upgrade(request: ApiRequest, connection: UpgradedConnection): Promise<ApiResponse | undefined>
  readonly paths: NonResourceHandlers
  readonly health: HealthChecks
}

/** Their answers go on for as long as the client likes: they neither count against the limits nor are they timed. */
const longRunning = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])

export function createPipeline(options: PipelineOptions): Pipeline {
  const { parts, metrics, inFlight, subresources } = options
  const paths = createNonResourceHandlers()
  addDiscovery(paths, parts.registry, new Map<string, Pick<SubresourceHandler, 'methods' | 'kind'>>([...ownSubresources, ...subresources]))
  const health = addHealth(paths)
  addOpenApi(paths, { registry: parts.registry, clock: parts.clock, version: options.version })
  addServerPaths(paths, { version: options.version, metrics })

  async function handle(request: ApiRequest): Promise<ApiResponse> {
    const began = parts.clock.monotonic()
    const warnings: string[] = []
    let info: RequestInfo | undefined
    let response: ApiResponse
    try {
      info = parsePath(request.method, request.path, request.query)
      response = await answer(request, info, warnings)
    } catch (error) {
      response = failure(request, error)
    }
    metrics.observe({ ...labelsOf(info, response.status), code: response.status, seconds: (parts.clock.monotonic() - began) / 1000 })
    return withCommonHeaders(request, response, warnings)
  }

  /** Names that anyone can make up must not become labels. */
  function labelsOf(info: RequestInfo | undefined, status: number) {
    const { verb = '', group = '', resource = '', subresource = '' } = info ?? {}
    const known = info?.isResourceRequest && parts.registry.find(group, info.version, resource)
    return known && (subresource === '' || status < 400) ? { verb, group, resource, subresource } : { verb: info?.isResourceRequest ? verb : 'other', group: '', resource: '', subresource: '' }
  }

  async function answer(request: ApiRequest, info: RequestInfo, warnings: string[]): Promise<ApiResponse> {
    const { user, attributes } = admitCaller(request, info)
    const leave = info.verb === 'watch' || longRunning.has(info.subresource) ? undefined : inFlight.enter(info.verb)
    try {
      if (!info.isResourceRequest) return await outsideResources(request, user)
      const call = callOf(request, info, { user, attributes, warnings })
      return call ? await run(call) : answerText('404 page not found\n', 404)
    } finally {
      leave?.()
    }
  }

  function admitCaller(request: ApiRequest, info: RequestInfo): { user: UserInfo; attributes: Attributes } {
    const user = impersonate({ user: request.user, headers: request.headers, authorizer: parts.authorizer })
    const { isResourceRequest, verb, path, group, version, resource, subresource, namespace, name } = info
    const selecting = isResourceRequest && ['list', 'watch', 'deletecollection'].includes(verb)
    const [fieldSelector, labelSelector] = selecting ? ['fieldSelector', 'labelSelector'].map((key) => request.query.get(key) || undefined) : []
    const attributes = { user, isResourceRequest, verb, path, group, version, resource, subresource, namespace, name, fieldSelector, labelSelector }
    const { verdict, reason } = parts.authorizer.authorize(attributes)
    if (verdict !== 'allow') throw forbiddenByAuthorizer(attributes, reason)
    return { user, attributes }
  }

  async function outsideResources(request: ApiRequest, user: UserInfo): Promise<ApiResponse> {
    const handler = paths.find(request.path)
    if (!handler) {
      if (/^\/apis?\//.test(request.path)) throw genericNotFoundError()
      return answerText('404 page not found\n', 404)
    }
    return handler(request, user)
  }

  function callOf(request: ApiRequest, info: RequestInfo, about: { user: UserInfo; attributes: Attributes; warnings: string[] }): Call | undefined {
    const resource = parts.registry.find(info.group, info.version, info.resource)
    if (!resource) {
      if (info.group !== '' && !parts.registry.hasGroupVersion(info.group, info.version)) return undefined
      throw genericNotFoundError()
    }
    checkScope(resource, info)
    return {
      parts, request, info, user: about.user, attributes: about.attributes, resource, output: outputOf(request, info, resource),
      warn: (text) => void (about.warnings.includes(text) || about.warnings.push(text)),
    }
  }

  function run(call: Call): Promise<ApiResponse> {
    const handler = subresourceHandler(subresources, call)
    if (handler) return runSubresource(handler, call)
    const { info, resource } = call
    const deprecation = info.group === '' ? deprecations.get(info.resource) : undefined
    if (deprecation) call.warn(deprecation)
    const own = ownSubresource(call)
    if (own) {
      if (!own.methods.includes(call.request.method)) throw methodNotAllowed()
      return own.run(call)
    }
    if (info.subresource) {
      if (!hasPart(resource, info.subresource)) throw genericNotFoundError()
      if (!verbsOfPart(info.subresource).includes(info.verb)) throw methodNotAllowed()
    } else if (resource.definition.verbs && !resource.definition.verbs.includes(info.verb)) throw methodNotAllowed()
    return runVerb(call)
  }

  function failure(request: ApiRequest, error: unknown): ApiResponse {
    if (!(error instanceof StatusError)) parts.log.error('a request failed', { error, path: request.path, stack: error instanceof Error ? error.stack : undefined })
    return answerError(error, { acceptObjects: request.acceptObjects, pretty: /^(curl|Wget|Mozilla)/.test(request.headers['user-agent'] ?? '') })
  }

  async function upgrade(request: ApiRequest, connection: UpgradedConnection): Promise<ApiResponse | undefined> {
    try {
      const info = parsePath(request.method, request.path, request.query)
      const call = callOf(request, info, { ...admitCaller(request, info), warnings: [] })
      const handler = call && subresourceHandler(subresources, call)
      if (!call || !handler?.upgrade) return answerText('404 page not found\n', 404)
      await upgradeSubresource(handler, call, connection)
      return undefined
    } catch (error) {
      return failure(request, error)
    }
  }

  return { handle, upgrade, paths, health }
}

/** Subresources with a handler of their own answer in a form of their own; what a proxied server or a log says is not ours to negotiate. */
function outputOf({ headers }: ApiRequest, { subresource }: RequestInfo, resource: ServedResource): OutputType {
  const { definition } = resource
  if (subresource && !hasPart(resource, subresource)) return { format: 'json' }
  return negotiateOutput(headers.accept, { transforms: !definition.verbs || definition.verbs.includes('list') })
}

/** Of core kinds, as clients are warned of them. */
const deprecations: ReadonlyMap<string, string> = new Map([
  ['endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  ['componentstatuses', 'v1 ComponentStatus is deprecated in v1.19+'],
])

const hasPart = ({ definition }: ServedResource, name: string): boolean => definition.subresources !== undefined && Object.hasOwn(definition.subresources, name)

/** A namespaced kind is written in a namespace only; a cluster-scoped one has none. */
function checkScope({ definition }: ServedResource, info: RequestInfo): void {
  const isNamespaces = info.resource === 'namespaces' && info.group === ''
  if (!definition.namespaced && info.namespace && !isNamespaces) throw genericNotFoundError()
  if (!definition.namespaced || info.namespace) return
  if (info.verb === 'list' || info.verb === 'watch') return
  if (info.name) throw genericNotFoundError()
  if (definition.verbs === undefined || definition.verbs.includes('list')) throw methodNotAllowed()
}

function withCommonHeaders(request: ApiRequest, response: ApiResponse, warnings: readonly string[]): ApiResponse {
  // A copy: answers share what they have in common.
  const headers = { ...response.headers }
  headers['audit-id'] = request.headers['audit-id'] ?? randomUUID()
  headers['cache-control'] ??= 'no-cache, private'
  if (warnings.length > 0) headers.warning = warningHeaders(warnings)
  return { ...response, headers }
}
