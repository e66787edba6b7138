// Discovery documents of the first generation: APIGroupList, APIGroup, APIResourceList.
import { createHash } from 'node:crypto'
import { apiVersionOf } from '../../api/object.ts'
import type { ResourceDefinition } from '../../api/resource.ts'
import { subresourcesOf, verbsOf, type DescribedHandlers } from './resources.ts'

/** By which clients resolve a name that several groups have; groups that are not named come last. */
const groupOrder = [
  '', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io', 'networking.k8s.io', 'policy',
  'rbac.authorization.k8s.io', 'storage.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io', 'coordination.k8s.io', 'node.k8s.io',
  'discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io',
]
const rankOf = (group: string) => (groupOrder.indexOf(group) + 1 || groupOrder.length + 1)

/** Versions of each group, preferred first; the groups in upstream's order. */
export function groupsOf(definitions: readonly ResourceDefinition[]): Map<string, string[]> {
  const groups = new Map([...new Set(definitions.map((d) => d.group))].sort((a, b) => rankOf(a) - rankOf(b)).map((group) => [group, [] as string[]]))
  for (const { group, versions } of definitions) {
    const known = groups.get(group)!
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
