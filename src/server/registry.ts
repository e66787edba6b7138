// Which kinds are served. Built-in ones are there from the start; custom ones come and go while the server runs.
import { apiVersionOf } from '../api/object.ts'
import type { ResourceDefinition, ServedVersion } from '../api/resource.ts'

/** A kind in one of its served versions, with what every request needs of it computed once. */
export interface ServedResource {
  readonly definition: ResourceDefinition
  readonly version: ServedVersion
  /** Of the served version. */
  readonly apiVersion: string
  readonly storageApiVersion: string
  /** Whether stored bytes can be served as they are. */
  readonly isStorageVersion: boolean
  readonly groupResource: { group: string; resource: string }
  readonly groupKind: { group: string; kind: string }
  /** The collection in the cache: of all storage keys of the kind, with a slash at the end. */
  readonly keyPrefix: string
}

export interface Registry {
  find(group: string, version: string, plural: string): ServedResource | undefined
  hasGroupVersion(group: string, version: string): boolean
  definitions(): readonly ResourceDefinition[]
  add(definition: ResourceDefinition): void
  remove(group: string, plural: string): void
  /** Rises with every change: what is derived from the definitions is kept under this number. */
  readonly generation: number
}

const nameOf = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`

export function createRegistry(initial: readonly ResourceDefinition[]): Registry {
  const served = new Map<string, ServedResource>()
  const definitions = new Map<string, ResourceDefinition>()
  const groupVersions = new Set<string>()
  let generation = 0

  const remove = (group: string, plural: string) => {
    const old = definitions.get(`${group}/${plural}`)
    if (!old) return
    definitions.delete(`${group}/${plural}`)
    for (const version of old.versions) served.delete(nameOf(group, version.name, plural))
    refresh()
  }
  const refresh = () => {
    generation++
    groupVersions.clear()
    for (const d of definitions.values()) for (const v of d.versions) groupVersions.add(`${d.group}/${v.name}`)
  }
  const add = (definition: ResourceDefinition) => {
    remove(definition.group, definition.plural)
    definitions.set(`${definition.group}/${definition.plural}`, definition)
    for (const version of definition.versions) served.set(nameOf(definition.group, version.name, definition.plural), serve(definition, version))
    refresh()
  }
  for (const definition of initial) add(definition)
  return {
    find: (group, version, plural) => served.get(nameOf(group, version, plural)),
    hasGroupVersion: (group, version) => groupVersions.has(`${group}/${version}`),
    definitions: () => [...definitions.values()],
    add, remove,
    get generation() {
      return generation
    },
  }
}

function serve(definition: ResourceDefinition, version: ServedVersion): ServedResource {
  const { group, kind, plural, storageVersion, storedAs } = definition
  return {
    definition, version,
    apiVersion: apiVersionOf({ group, version: version.name }),
    storageApiVersion: apiVersionOf({ group: storedAs ? storedAs.group : group, version: storageVersion }),
    isStorageVersion: !storedAs && version.name === storageVersion,
    groupResource: { group, resource: plural },
    groupKind: { group, kind },
    keyPrefix: storagePrefix(storedAs ?? definition),
  }
}

/** `pods/`, `deployments.apps/`. */
export const storagePrefix = ({ group, plural }: { group: string; plural: string }): string => `${group ? `${plural}.${group}` : plural}/`

export const keyOf = (resource: { keyPrefix: string; definition: { namespaced: boolean } }, namespace: string, name: string): string =>
  resource.definition.namespaced ? `${resource.keyPrefix}${namespace}/${name}` : resource.keyPrefix + name

/** All keys of the kind, or those of one namespace. */
export const scopeOf = (resource: { keyPrefix: string; definition: { namespaced: boolean } }, namespace: string): string =>
  resource.definition.namespaced && namespace ? `${resource.keyPrefix}${namespace}/` : resource.keyPrefix
