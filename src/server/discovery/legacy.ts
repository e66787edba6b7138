// Discovery documents of the first generation: APIGroupList, APIGroup, APIResourceList.
import { createHash } from 'node:crypto'
import { apiVersionOf } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { subresourcesOf, verbsOf, type DescribedHandlers } from './resources.ts'

/** Versions of each group, preferred first, in the order of declaration. */
export function groupsOf(definitions: readonly ResourceDefinition[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { group, versions } of definitions) {
    const known = groups.get(group) ?? []
    groups.set(group, known)
    for (const { name } of versions) if (!known.includes(name)) known.push(name)
  }
  return groups
}

export function groupOf(name: string, versions: readonly string[]) {
  const all = versions.map((version) => ({ groupVersion: apiVersionOf({ group: name, version }), version }))
  return { name, versions: all, preferredVersion: all[0] }
}

export const groupList = (definitions: readonly ResourceDefinition[]) => ({
  kind: 'APIGroupList', apiVersion: 'v1',
  groups: [...groupsOf(definitions.filter((d) => d.group !== ''))].map(([name, versions]) => groupOf(name, versions)),
})

export function resourceList(groupVersion: string, version: string, definitions: readonly ResourceDefinition[], handlers: DescribedHandlers) {
  const resources = definitions.flatMap((definition) => {
    const { plural, singular, namespaced, kind, shortNames, categories } = definition
    const served = definition.versions.find((v) => v.name === version)!
    const stored = verbsOf(definition).includes('list') && plural !== 'componentstatuses'
    const main = {
      name: plural, singularName: singular, namespaced, kind, verbs: verbsOf(definition), ...(shortNames ? { shortNames } : {}), ...(categories ? { categories } : {}),
      ...(stored ? { storageVersionHash: storageVersionHash(definition) } : {}),
    }
    return [main, ...subresourcesOf(definition, served, handlers).map(({ name, kind: of, verbs }) => ({
      name: `${plural}/${name}`, singularName: '', namespaced,
      ...(apiVersionOf(of) === groupVersion ? {} : { group: of.group, version: of.version }), kind: of.kind, verbs,
    }))]
  })
  resources.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { kind: 'APIResourceList', ...(groupVersion === 'v1' ? {} : { apiVersion: 'v1' }), groupVersion, resources }
}

/** Source: k8s.io/apiserver/pkg/endpoints/discovery `StorageVersionHash`. */
const storageVersionHash = ({ group, storageVersion, kind, storedAs }: ResourceDefinition): string =>
  createHash('sha256').update(`${storedAs?.group ?? group}/${storageVersion}/${kind}`).digest().subarray(0, 8).toString('base64')
