import { expect, test } from 'vitest'
import type { Endpoint, EndpointSlice } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { planSlices, type EndpointGroup } from './slices.ts'

const ports = [{ name: '', port: 80, protocol: 'TCP' }]
const endpoint = (n: number, ready = true): Endpoint => ({ addresses: [`10.0.0.${n}`], conditions: { ready }, targetRef: { uid: `pod-${n}` } })
const owner = { namespace: 'a', generateName: 'web-', labels: { l: '1' }, annotations: {}, most: 3, ownerReference: { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 's' } }
const group = (...endpoints: Endpoint[]): EndpointGroup[] => [{ addressType: 'IPv4', ports, endpoints }]
const slice = (name: string, endpoints: Endpoint[], of: Pick<EndpointSlice, 'ports'> = {}): Stored<EndpointSlice> => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports, endpoints,
  metadata: { name, namespace: 'a', uid: name, resourceVersion: '1', creationTimestamp: '', labels: { l: '1' } }, ...of,
})

const plan = (groups: EndpointGroup[], existing: Stored<EndpointSlice>[]): string[] => planSlices(owner, groups, existing).map(({ do: verb, slice: of }) =>
  `${verb} ${of.metadata?.name ?? ''}${verb === 'deleteSlice' ? '' : `[${(of.endpoints ?? []).map((e) => e.addresses[0]?.slice(7) ?? '').join()}]`}`)

test.each<[string, string[], string[]]>([
  ['a service without endpoints has one empty slice', plan(group(), []), ['createSlice []']],
  ['endpoints are spread over as many slices as it takes', plan(group(...[1, 2, 3, 4].map((n) => endpoint(n))), []), ['createSlice [1,2,3]', 'createSlice [4]']],
  ['nothing is written when nothing changes, whatever the order', plan(group(endpoint(2), endpoint(1)), [slice('x', [endpoint(1), endpoint(2)])]), []],
  ['an endpoint stays in its slice when it changes', plan(group(endpoint(1, false), endpoint(2)), [slice('x', [endpoint(1)]), slice('y', [endpoint(2)])]), ['updateSlice x[1]']],
  ['new endpoints fill slices that are there', plan(group(endpoint(1), endpoint(2)), [slice('x', [endpoint(1)])]), ['updateSlice x[1,2]']],
  ['a slice that has become empty goes', plan(group(endpoint(2)), [slice('x', [endpoint(1)]), slice('y', [endpoint(2)])]), ['deleteSlice x']],
  ['the last slice stays', plan(group(), [slice('x', [endpoint(1)])]), ['updateSlice x[]']],
  ['other ports mean other slices', plan(group(endpoint(1)), [slice('x', [endpoint(1)], { ports: [] })]), ['createSlice [1]', 'deleteSlice x']],
])('%s', (_name, actual, expected) => expect(actual).toEqual(expected))
