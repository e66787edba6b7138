// What a kind says of itself in discovery, derived from its definition and the handlers of its subresources.
import type { ResourceDefinition, ServedVersion } from '../../api/resource.ts'
import type { SubresourceHandler } from '../subresources/handler.ts'

/** What is known of a subresource that is not just a part of the object. */
export type DescribedHandlers = ReadonlyMap<string, Pick<SubresourceHandler, 'methods' | 'kind'>>

interface DiscoveredSubresource {
  name: string
  kind: { group: string; version: string; kind: string }
  verbs: readonly string[]
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const partVerbs = ['get', 'patch', 'update']
const verbOfMethod: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', GET: 'get', DELETE: 'delete' }

/** `finalize` can only be put; other parts can be read and patched, too. */
export const verbsOfPart = (name: string): readonly string[] => (name === 'finalize' ? ['update'] : partVerbs)

export const verbsOf = (definition: ResourceDefinition): readonly string[] => definition.verbs ?? allVerbs

export function subresourcesOf(definition: ResourceDefinition, version: ServedVersion, handlers: DescribedHandlers): DiscoveredSubresource[] {
  const own = { group: definition.group, version: version.name, kind: definition.kind }
  const found = new Map<string, DiscoveredSubresource>()
  for (const name in definition.subresources) found.set(name, { name, kind: own, verbs: verbsOfPart(name) })
  if (definition.scale) found.set('scale', { name: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: partVerbs })
  const prefix = definition.group ? `${definition.group}/${definition.plural}/` : `${definition.plural}/`
  for (const [path, handler] of handlers) {
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : ''
    if (name === '' || name.includes('/')) continue
    const verbs = [...new Set(handler.methods.map((method) => verbOfMethod[method]).filter((verb) => verb !== undefined))].sort()
    found.set(name, { name, kind: handler.kind ?? own, verbs })
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
