// All resource types the API server serves, each in its group's preferred version.
import type { APIGroupList, APIResourceList } from '../../api/generated/types.ts'
import { parseApiVersion } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource.ts'
import type { Client } from '../../client/client.ts'

export interface DiscoveredResource extends ResourceRef {
  readonly verbs: readonly string[]
}

export interface Discovered {
  resources: readonly DiscoveredResource[]
  /** Group versions that could not be read, with why. */
  failures: ReadonlyMap<string, Error>
}

export async function discoverResources(client: Client): Promise<Discovered> {
  const groups = await client.request<APIGroupList>('GET', '/apis')
  const versions = ['v1', ...groups.groups.map((group) => group.preferredVersion?.groupVersion ?? group.versions[0]!.groupVersion)]
  const failures = new Map<string, Error>()
  const lists = await Promise.all(
    versions.map((groupVersion) =>
      client.request<APIResourceList>('GET', groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`).catch((error: unknown) => {
        failures.set(groupVersion, error as Error)
        return undefined
      }),
    ),
  )
  return { resources: lists.flatMap((list) => (list ? resourcesOf(list) : [])), failures }
}

function resourcesOf({ groupVersion, resources }: APIResourceList): DiscoveredResource[] {
  const { group, version } = parseApiVersion(groupVersion)
  return resources
    .filter((resource) => !resource.name.includes('/'))
    .map((resource) => ({ group, version, plural: resource.name, kind: resource.kind, namespaced: resource.namespaced, verbs: resource.verbs }))
}

export const supports = (resource: DiscoveredResource, ...verbs: readonly string[]): boolean => verbs.every((verb) => resource.verbs.includes(verb))
