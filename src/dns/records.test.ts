import { expect, test } from 'vitest'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { resolve, type DnsWorld } from './records.ts'

const service = (name: string, spec: Service['spec']): Service => ({ metadata: { name, namespace: 'shop' }, spec })
const services = [
  service('web', { clusterIP: '10.43.0.7', clusterIPs: ['10.43.0.7', 'fd00::7'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
  service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }),
  service('empty', { clusterIP: 'None' }),
  service('out', { type: 'ExternalName', externalName: 'Example.org.' }),
]
const slice: EndpointSlice = {
  addressType: 'IPv4', metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } }, ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.42.0.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.42.0.6'], conditions: {} },
    { addresses: ['10.42.0.8'], hostname: 'db-2', conditions: { ready: false } },
  ],
}
const world: DnsWorld = {
  service: (namespace, name) => services.find((s) => namespace === 'shop' && s.metadata?.name === name),
  slices: (_namespace, name) => (name === 'db' ? [slice] : []),
  hasNamespace: (namespace) => namespace === 'shop',
  servicesAt: (address) => services.filter((s) => s.spec?.clusterIPs?.includes(address)),
  slicesAt: (address) => (slice.endpoints!.some((e) => e.addresses[0] === address) ? [slice] : []),
}

function ask(name: string, type: string): unknown {
  const got = resolve(world, 'cluster.local', name, type)
  return got.kind === 'records' ? got.answers.map((a) => a.data) : got.kind
}

test.each<[string, string, unknown]>([
  ['web.shop.svc.cluster.local', 'A', ['10.43.0.7']],
  ['web.shop.svc.cluster.local', 'AAAA', ['fd00::7']],
  ['web.shop.svc.cluster.local', 'MX', 'no-data'],
  ['_http._tcp.web.shop.svc.cluster.local', 'SRV', [{ priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' }]],
  ['_http._udp.web.shop.svc.cluster.local', 'SRV', 'no-such-name'],
  ['x.web.shop.svc.cluster.local', 'A', 'no-such-name'],
  ['db.shop.svc.cluster.local', 'A', ['10.42.0.5', '10.42.0.6']],
  ['db.shop.svc.cluster.local', 'AAAA', 'no-data'],
  ['db-0.db.shop.svc.cluster.local', 'A', ['10.42.0.5']],
  ['db-2.db.shop.svc.cluster.local', 'A', 'no-such-name'],
  ['10-42-0-6.db.shop.svc.cluster.local', 'A', ['10.42.0.6']],
  ['_sql._tcp.db.shop.svc.cluster.local', 'SRV', [
    { priority: 0, weight: 50, port: 5432, target: 'db-0.db.shop.svc.cluster.local' },
    { priority: 0, weight: 50, port: 5432, target: '10-42-0-6.db.shop.svc.cluster.local' },
  ]],
  ['empty.shop.svc.cluster.local', 'A', 'no-such-name'],
  ['none.shop.svc.cluster.local', 'A', 'no-such-name'],
  ['shop.svc.cluster.local', 'A', 'no-data'],
  ['nowhere.svc.cluster.local', 'A', 'no-such-name'],
  ['out.shop.svc.cluster.local', 'A', 'alias'],
  ['out.shop.svc.cluster.local', 'CNAME', ['example.org']],
  ['10-42-0-5.shop.pod.cluster.local', 'A', ['10.42.0.5']],
  ['fd00--5.shop.pod.cluster.local', 'AAAA', ['fd00::5']],
  ['ten.shop.pod.cluster.local', 'A', 'no-such-name'],
  ['7.0.43.10.in-addr.arpa', 'PTR', ['web.shop.svc.cluster.local']],
  ['5.0.42.10.in-addr.arpa', 'PTR', ['db-0.db.shop.svc.cluster.local']],
  ['6.0.42.10.in-addr.arpa', 'PTR', ['10-42-0-6.db.shop.svc.cluster.local']],
  ['7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', 'PTR', ['web.shop.svc.cluster.local']],
  ['9.9.9.9.in-addr.arpa', 'PTR', 'elsewhere'],
  ['dns-version.cluster.local', 'TXT', ['1.1.0']],
  ['example.org', 'A', 'elsewhere'],
  ['web.shop.svc.cluster.local.example.org', 'A', 'elsewhere'],
])('%s %s', (name, type, expected) => expect(ask(name, type)).toEqual(expected))
