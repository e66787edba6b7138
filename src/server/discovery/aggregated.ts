// Items of an APIGroupDiscoveryList.
import type { ResourceDefinition } from '../../api/resource.ts'
import { groupsOf } from './legacy.ts'
import { subresourcesOf, verbsOf, type DescribedHandlers } from './resources.ts'

export function aggregated(definitions: readonly ResourceDefinition[], handlers: DescribedHandlers) {
  return [...groupsOf(definitions)].map(([group, versions]) => ({
    metadata: group ? { name: group } : {},
    versions: versions.map((version) => ({
      version,
      resources: definitions.filter((d) => d.group === group && d.versions.some((v) => v.name === version))
        .sort((a, b) => (a.plural < b.plural ? -1 : 1)).map((definition) => resource(definition, version, handlers)),
      freshness: 'Current',
    })),
  }))
}

function resource(definition: ResourceDefinition, version: string, handlers: DescribedHandlers) {
  const { plural, singular, namespaced, kind, shortNames, categories } = definition
  const subresources = subresourcesOf(definition, definition.versions.find((v) => v.name === version)!, handlers).map(({ name, kind: responseKind, verbs }) => ({
    subresource: name,
    // An empty group and version mean those of the resource itself.
    responseKind: responseKind.group === definition.group && responseKind.version === version ? { group: '', version: '', kind: responseKind.kind } : responseKind,
    verbs,
  }))
  return {
    resource: plural, responseKind: { group: '', version: '', kind }, scope: namespaced ? 'Namespaced' : 'Cluster', singularResource: singular, verbs: verbsOf(definition),
    ...(shortNames ? { shortNames } : {}), ...(categories ? { categories } : {}), ...(subresources.length > 0 ? { subresources } : {}),
  }
}
