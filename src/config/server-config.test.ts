import { expect, test } from 'vitest'
import { loadOptions } from './load.ts'
import { completeServerConfig, nodeAddresses } from './server-config.ts'

const options = (flags: Record<string, string>) => loadOptions({ command: 'server', flags, environment: {}, readFile: () => undefined })
const complete = (flags: Record<string, string>) => completeServerConfig(options(flags), 'box')
const addresses = (flags: Record<string, string>, address: string | undefined = '192.0.2.7') => nodeAddresses(options(flags), address)

test('what follows from other options is filled in', () => {
  expect(complete({})).toMatchObject({ nodeName: 'box', clusterDns: '10.43.0.10', kubernetesServiceIp: '10.43.0.1' })
  expect(complete({ serviceCidr: '10.50.0.0/24' })).toMatchObject({ clusterDns: '10.50.0.10' })
})

test('addresses are those of the machine where none are given', () => {
  expect(addresses({})).toEqual({ nodeIp: '192.0.2.7', advertiseAddress: '192.0.2.7' })
  expect(addresses({ nodeIp: '192.0.2.9' })).toEqual({ nodeIp: '192.0.2.9', advertiseAddress: '192.0.2.9' })
  expect(addresses({ bindAddress: '127.0.0.1' }).advertiseAddress).toBe('192.0.2.7')
  expect(addresses({ bindAddress: '192.0.2.8' })).toEqual({ nodeIp: '192.0.2.7', advertiseAddress: '192.0.2.8' })
})

test('without a network the address is that of the pod bridge', () => {
  expect(nodeAddresses(options({}), undefined)).toEqual({ nodeIp: '10.42.0.1', advertiseAddress: '10.42.0.1' })
})

test.each([
  [{ serviceCidr: '10.42.3.0/24' }, '--service-cidr: 10.42.3.0/24 overlaps --cluster-cidr 10.42.0.0/16'],
  [{ clusterDns: '10.9.9.9' }, '--cluster-dns: 10.9.9.9 is not in --service-cidr 10.43.0.0/16'],
  [{ serviceCidr: '10.43.0.0/29' }, '--service-cidr: 10.43.0.0/29 has fewer than 16 addresses'],
  [{ clusterCidr: '10.42.0.0/25' }, '--cluster-cidr: 10.42.0.0/25 is smaller than the /24 that each node gets'],
  [{ nodeIp: '127.0.0.1' }, '--node-ip: 127.0.0.1 is no address at which pods and other machines reach this one'],
  [{ advertiseAddress: '::1' }, '--advertise-address: ::1 is no address at which pods and other machines reach this one'],
])('%j is refused', (flags, message) => expect(() => complete(flags as Record<string, string>)).toThrow(message))
