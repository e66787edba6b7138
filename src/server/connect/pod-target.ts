// Which pod, container and node a request for a pod's subresource means (source: k8s.io/kubernetes/pkg/registry/core/pod/strategy.go).
import type { Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { pods } from '../../api/refs.ts'
import { badRequestError, notFoundError } from '../../api/status-error.ts'
import type { SubresourceCall } from '../subresources/handler.ts'

export function podOf({ reader, attributes }: Pick<SubresourceCall, 'reader' | 'attributes'>, name = attributes.name): Stored<Pod> {
  const pod = reader.get(pods, name, attributes.namespace)
  if (!pod) throw notFoundError({ group: '', resource: 'pods' }, name)
  return pod
}

/** The container asked for, or the only one. */
export function containerOf({ metadata, spec }: Stored<Pod>, asked: string): string {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])].map(({ name }) => name)
  if (asked !== '') {
    if (!all.includes(asked)) throw badRequestError(`container ${asked} is not valid for pod ${metadata.name}`)
    return asked
  }
  const [only, ...others] = spec?.containers ?? []
  if (!only) throw badRequestError(`a container name must be specified for pod ${metadata.name}`)
  if (others.length > 0) throw badRequestError(`a container name must be specified for pod ${metadata.name}, choose one of: [${all.join(' ')}]`)
  return only.name
}

export function hostOf({ metadata, spec }: Stored<Pod>): string {
  if (!spec?.nodeName) throw badRequestError(`pod ${metadata.name} does not have a host assigned`)
  return spec.nodeName
}

/** As upstream reads booleans in a query: there, and neither `false` nor `0`. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name)
  return text !== null && text !== '0' && text.toLowerCase() !== 'false'
}
