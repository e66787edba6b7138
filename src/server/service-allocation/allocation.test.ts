import { expect, test } from 'vitest'
import type { Service } from '../../api/generated/types.ts'
import { FakeClock } from '../../base/clock.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import type { ObjectReader } from '../object-reader.ts'
import { createServiceAllocation } from './allocation.ts'

type Listener = (before: Service | undefined, now: Service | undefined) => void

function setUp(serviceCidr = '10.43.0.0/24') {
  const clock = new FakeClock()
  let next = 0
  let listener: Listener = () => {}
  const reader = { get: () => undefined, list: () => [], onChange: (_ref: unknown, l: Listener) => ((listener = l), () => {}) } as unknown as ObjectReader
  const plugin = createServiceAllocation({ reader, serviceCidr, nodePortRange: '30000-30003', clock, random: () => 0 })
  const admit = (spec: Service['spec'], current?: Service, dryRun = false) => {
    const draft: Service = { metadata: { name: 's', namespace: String(next++) }, spec }
    void plugin.mutate!({ operation: current ? 'UPDATE' : 'CREATE', draft, current, dryRun } as unknown as AdmissionRequest)
    return draft
  }
  return { clock, admit, stored: (before: Service | undefined, now: Service | undefined) => listener(before, now) }
}

test('a Service gets an address of the upper part, and one family', () => {
  const { admit } = setUp()
  const spec = { selector: { a: 'b' }, ports: [{ port: 80 }] }
  expect(admit({ ...spec }).spec).toMatchObject({ clusterIP: '10.43.0.16', clusterIPs: ['10.43.0.16'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  expect(admit({ ...spec }).spec?.clusterIP).toBe('10.43.0.17')
  expect(admit({ ...spec, clusterIP: 'None' }).spec).toMatchObject({ clusterIPs: ['None'], ipFamilies: ['IPv4'] })
  expect(admit({ clusterIP: 'None' }).spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' })
  expect(admit({ type: 'ExternalName', externalName: 'x' }).spec?.clusterIPs).toBeUndefined()
})

test('an address is free again when its Service is gone, or when its request failed long ago', () => {
  const { admit, stored, clock } = setUp()
  const kept = admit({ clusterIP: '10.43.0.5' })
  stored(undefined, kept)
  admit({ clusterIP: '10.43.0.6' })
  expect(() => admit({ clusterIP: '10.43.0.6' })).toThrow('Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.43.0.6"]: failed to allocate IP 10.43.0.6: provided IP is already allocated')
  clock.advance(61_000)
  expect(admit({ clusterIP: '10.43.0.6' }).spec?.clusterIP).toBe('10.43.0.6')
  expect(() => admit({ clusterIP: '10.43.0.5' })).toThrow('already allocated')
  stored(kept, undefined)
  admit({ clusterIP: '10.43.0.5' }, undefined, true)
  expect(admit({ clusterIP: '10.43.0.5' }).spec?.clusterIP).toBe('10.43.0.5')
})

test('node ports: chosen, asked for, shared by two protocols, kept by an update', () => {
  const { admit, stored } = setUp()
  const two = admit({ type: 'NodePort', ports: [{ port: 53, protocol: 'TCP' }, { port: 53, protocol: 'UDP' }, { port: 80, protocol: 'TCP', nodePort: 30002 }] })
  expect(two.spec?.ports?.map((p) => p.nodePort)).toEqual([30000, 30000, 30002])
  stored(undefined, two)
  expect(() => admit({ type: 'NodePort', ports: [{ port: 1, nodePort: 30002 }] })).toThrow('spec.ports[0].nodePort: Invalid value: 30002: provided port is already allocated')
  expect(() => admit({ type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] })).toThrow('provided port is not in the valid range. The range of valid ports is 30000-30003')
  const updated = admit({ type: 'NodePort', ports: [{ port: 53, protocol: 'UDP' }, { port: 81, protocol: 'TCP' }] }, two)
  expect(updated.spec).toMatchObject({ clusterIP: two.spec?.clusterIP, ports: [{ nodePort: 30000 }, { nodePort: 30001 }] })
  admit({ type: 'NodePort', ports: [{ port: 9 }] })
  expect(() => admit({ type: 'NodePort', ports: [{ port: 9 }] })).toThrow('failed to allocate a nodePort: range is full')
})

test('a full range and an address outside it', () => {
  const { admit } = setUp('10.43.0.0/28')
  for (let i = 0; i < 14; i++) admit({})
  expect(() => admit({})).toThrow('range is full')
  expect(() => admit({ clusterIP: '10.44.0.1' })).toThrow('failed to allocate IP 10.44.0.1: the provided IP (10.44.0.1) is not in the valid range. The range of valid IPs is 10.43.0.0/28')
  expect(() => admit({ ipFamilies: ['IPv6'] })).toThrow('spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster')
})
