// Brings EndpointSlices to wanted contents with few writes: endpoints stay in the slice they are in (source: k8s.io/endpointslice reconciler).
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice, OwnerReference } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { endpointslices } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import type { ExecutionContext } from '../../controller/definition.ts'
import { canonical } from './hash.ts'
import { isNamespaceTerminating } from './pod-steps.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const headlessLabel = 'service.kubernetes.io/headless'

/** Endpoints with the same ports and kind of address. */
export interface EndpointGroup {
  addressType: string
  ports: readonly DiscoveryV1EndpointPort[]
  endpoints: readonly Endpoint[]
}

interface SliceOwner {
  namespace: string
  generateName: string
  labels: Record<string, string>
  annotations: Record<string, string>
  ownerReference: OwnerReference
  most: number
}

export type SliceStep =
  | { do: 'createSlice'; slice: EndpointSlice }
  | { do: 'updateSlice'; slice: Stored<EndpointSlice> }
  | { do: 'deleteSlice'; slice: Stored<EndpointSlice> }

export function planSlices(owner: SliceOwner, groups: readonly EndpointGroup[], existing: readonly Stored<EndpointSlice>[]): SliceStep[] {
  const left = new Set(existing)
  const steps = groups.flatMap((group) => {
    const kind = canonical([group.addressType, group.ports])
    const own = existing.filter((slice) => left.has(slice) && canonical([slice.addressType, slice.ports ?? []]) === kind)
    for (const slice of own) left.delete(slice)
    return planGroup(owner, group, own)
  })
  return [...steps, ...Array.from(left, (slice): SliceStep => ({ do: 'deleteSlice', slice }))]
}

function planGroup(owner: SliceOwner, group: EndpointGroup, own: readonly Stored<EndpointSlice>[]): SliceStep[] {
  const missing = new Map(group.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]))
  const kept = own.map((slice) => ({ slice, endpoints: (slice.endpoints ?? []).flatMap((endpoint) => take(missing, keyOf(endpoint))) }))
  for (const { endpoints } of kept) fill(endpoints, missing, owner.most)
  const fresh: Endpoint[][] = []
  while (missing.size) fresh.push(fill([], missing, owner.most))
  const used = kept.filter(({ endpoints }) => endpoints.length)
  // a service without endpoints keeps one empty slice
  if (!used.length && !fresh.length) kept.length ? used.push(kept[0]!) : fresh.push([])
  return [
    ...kept.filter((k) => !used.includes(k)).map(({ slice }): SliceStep => ({ do: 'deleteSlice', slice })),
    ...used.flatMap(({ slice, endpoints }) => updated(owner, slice, endpoints)),
    ...fresh.map((endpoints): SliceStep => ({ do: 'createSlice', slice: sliceOf(owner, group, endpoints) })),
  ]
}

const keyOf = ({ targetRef, addresses }: Endpoint): string => `${targetRef?.uid ?? ''}/${addresses.join(',')}`

function take(missing: Map<string, Endpoint>, key: string): Endpoint[] {
  const endpoint = missing.get(key)
  missing.delete(key)
  return endpoint ? [endpoint] : []
}

function fill(endpoints: Endpoint[], missing: Map<string, Endpoint>, most: number): Endpoint[] {
  for (const [key, endpoint] of missing) {
    if (endpoints.length >= most) break
    endpoints.push(endpoint)
    missing.delete(key)
  }
  return endpoints
}

const sliceOf = (owner: SliceOwner, { addressType, ports }: EndpointGroup, endpoints: readonly Endpoint[]): EndpointSlice => ({
  metadata: {
    namespace: owner.namespace, generateName: owner.generateName, labels: owner.labels, ownerReferences: [owner.ownerReference],
    ...(Object.keys(owner.annotations).length ? { annotations: owner.annotations } : {}),
  },
  addressType, ports: [...ports], endpoints: [...endpoints],
})

function updated(owner: SliceOwner, slice: Stored<EndpointSlice>, endpoints: readonly Endpoint[]): SliceStep[] {
  const { labels, annotations = {} } = slice.metadata
  if (canonical([slice.endpoints ?? [], labels, annotations]) === canonical([endpoints, owner.labels, owner.annotations])) return []
  const metadata = { ...slice.metadata, labels: owner.labels, annotations: owner.annotations }
  return [{ do: 'updateSlice', slice: { ...slice, metadata, endpoints: [...endpoints] } }]
}

export const sliceExecutors = {
  async createSlice({ slice }: Extract<SliceStep, { do: 'createSlice' }>, { client }: ExecutionContext): Promise<void> {
    await client.resource(endpointslices, slice.metadata?.namespace).create(slice).catch((error: unknown) => {
      if (!isNamespaceTerminating(error)) throw error
    })
  },
  async updateSlice({ slice }: Extract<SliceStep, { do: 'updateSlice' }>, { client }: ExecutionContext): Promise<void> {
    await client.resource(endpointslices, slice.metadata.namespace).update(slice)
  },
  async deleteSlice({ slice }: Extract<SliceStep, { do: 'deleteSlice' }>, { client }: ExecutionContext): Promise<void> {
    const { name, namespace, uid } = slice.metadata
    await client.resource(endpointslices, namespace).delete(name, { preconditions: { uid } }).catch((error: unknown) => {
      if (!(error instanceof StatusError && (error.code === 404 || error.code === 409))) throw error
    })
  },
}
