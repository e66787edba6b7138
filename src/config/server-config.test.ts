import { expect, test } from 'vitest'
import { loadOptions } from './load.ts'
import { completeServerConfig } from './server-config.ts'

const complete = (flags: Record<string, string>) =>
  completeServerConfig(loadOptions({ command: 'server', flags, environment: {}, readFile: () => undefined }), { hostname: 'Box', address: '192.0.2.7' })

test('what depends on the machine is filled in', () => {
  expect(complete({})).toMatchObject({ nodeName: 'box', nodeIp: '192.0.2.7', advertiseAddress: '192.0.2.7', clusterDns: '10.43.0.10', kubernetesServiceIp: '10.43.0.1' })
  expect(complete({ serviceCidr: '10.50.0.0/24', nodeIp: '192.0.2.9' })).toMatchObject({ clusterDns: '10.50.0.10', advertiseAddress: '192.0.2.9' })
  expect(complete({ bindAddress: '127.0.0.1' }).advertiseAddress).toBe('192.0.2.7')
  expect(complete({ bindAddress: '192.0.2.8' }).advertiseAddress).toBe('192.0.2.8')
})

test('without a network the address is that of the pod bridge', () => {
  const options = loadOptions({ command: 'server', flags: {}, environment: {}, readFile: () => undefined })
  expect(completeServerConfig(options, { hostname: 'box', address: undefined })).toMatchObject({ nodeIp: '10.42.0.1', advertiseAddress: '10.42.0.1' })
})

test.each([
  [{ serviceCidr: '10.42.3.0/24' }, '--service-cidr: 10.42.3.0/24 overlaps --cluster-cidr 10.42.0.0/16'],
  [{ clusterDns: '10.9.9.9' }, '--cluster-dns: 10.9.9.9 is not in --service-cidr 10.43.0.0/16'],
  [{ serviceCidr: '10.43.0.0/29' }, '--service-cidr: 10.43.0.0/29 has fewer than 16 addresses'],
  [{ clusterCidr: '10.42.0.0/25' }, '--cluster-cidr: 10.42.0.0/25 is smaller than the /24 that each node gets'],
])('%j is refused', (flags, message) => expect(() => complete(flags as Record<string, string>)).toThrow(message))
