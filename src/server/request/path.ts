// The grammar of API paths (source: k8s.io/apiserver/pkg/endpoints/request `RequestInfo`): what a method and a path ask for, before anything
// is known about the resources that exist.
import { parseFieldSelector } from '../../api/selector.ts'
import { badRequestError } from '../../api/status-error.ts'

export interface RequestInfo {
  isResourceRequest: boolean
  /** `get list watch create update patch delete deletecollection proxy`; for other paths the method in lower case. */
  verb: string
  path: string
  group: string
  version: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** What follows the subresource: the path that `proxy` hands on, without a leading slash; undefined where nothing follows. */
  rest: string | undefined
}

const methodVerbs: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
const namespaceSubresources = new Set(['status', 'finalize'])

export function parsePath(method: string, path: string, query: URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResourceRequest: false, verb: method.toLowerCase(), path, group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: undefined,
  }
  const parts = segments(path)
  const grouped = parts[0] === 'apis'
  if ((!grouped && parts[0] !== 'api') || parts.length < (grouped ? 4 : 3)) return info
  info.isResourceRequest = true
  info.group = grouped ? parts[1]! : ''
  info.version = parts[grouped ? 2 : 1]!
  let at = grouped ? 3 : 2
  info.verb = methodVerbs[method] ?? ''
  const legacyWatch = parts[at] === 'watch'
  if (legacyWatch || parts[at] === 'proxy') {
    info.verb = parts[at]!
    if (++at >= parts.length) throw badRequestError(`unable to determine kind and namespace from url, ${path}`)
  }
  if (parts[at] === 'namespaces' && parts.length > at + 1) {
    info.namespace = parts[at + 1]!
    if (parts.length > at + 2 && !namespaceSubresources.has(parts[at + 2]!)) at += 2
  }
  info.resource = parts[at]!
  info.name = parts[at + 1] ?? ''
  if (info.verb !== 'proxy') info.subresource = parts[at + 2] ?? ''
  if (parts.length > at + 3 || (parts.length === at + 3 && info.subresource && path.endsWith('/'))) info.rest = restOf(path, at + 3)
  return withCollectionVerb(info, query)
}

function withCollectionVerb(info: RequestInfo, query: URLSearchParams): RequestInfo {
  if (info.name !== '') return info
  if (info.verb === 'get') {
    info.verb = isTrue(query.get('watch')) ? 'watch' : 'list'
    const fieldSelector = query.get('fieldSelector')
    if (fieldSelector) info.name = requiredName(fieldSelector)
  } else if (info.verb === 'delete') info.verb = 'deletecollection'
  return info
}

/** `metadata.name=x` makes a list or watch a request for one name, so that RBAC's resourceNames apply. */
function requiredName(fieldSelector: string): string {
  try {
    const term = parseFieldSelector(fieldSelector).terms.find((t) => t.field === 'metadata.name' && t.operator === '=')
    return term && !/[/%]|^\.{1,2}$/.test(term.value) ? term.value : ''
  } catch {
    return ''
  }
}

/** As upstream reads booleans in a query: present and neither `false` nor `0`. */
export const isTrue = (text: string | null): boolean => text !== null && text !== '0' && text.toLowerCase() !== 'false'

function segments(path: string): string[] {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/')
  return path.includes('%') ? parts.map(decode) : parts
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badRequestError(`invalid URL escape in ${JSON.stringify(text)}`)
  }
}

/** Everything after the first `skip` segments, as it stands in the path. */
function restOf(path: string, skip: number): string {
  let at = 0
  while (path[at] === '/') at++
  for (let left = skip; left > 0; left--) {
    const slash = path.indexOf('/', at)
    if (slash < 0) return ''
    at = slash + 1
  }
  return path.slice(at)
}
