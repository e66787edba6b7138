import { expect, test } from 'vitest'
import { chooseAddress, defaultRouteInterface, isOurs, type NamedAddress } from './machine.ts'

const at = (name: string, address: string, family: 'IPv4' | 'IPv6' = 'IPv4'): NamedAddress =>
  ({ name, address, family, internal: name === 'lo', netmask: '', mac: '', cidr: null, scopeid: 0 }) as NamedAddress
const network = [at('lo', '127.0.0.1'), at('cni0', '10.42.0.1'), at('wlan0', '198.51.100.7'), at('eth0', '192.0.2.10'), at('eth0', '192.0.2.11'), at('eth0', '2001:db8::1', 'IPv6')]
const choose = (choice: Partial<Parameters<typeof chooseAddress>[0]>) => chooseAddress({ addresses: network, defaultRoute: undefined, current: undefined, stillOurs: false, ...choice })

test.each([
  ['the interface of the default route', { defaultRoute: 'eth0' }, '192.0.2.10'],
  ['any without a default route', {}, '198.51.100.7'],
  ['the one so far, among several of an interface', { defaultRoute: 'eth0', current: '192.0.2.11', stillOurs: true }, '192.0.2.11'],
  ['where the default route has moved to', { defaultRoute: 'wlan0', current: '192.0.2.10', stillOurs: true }, '198.51.100.7'],
  ['the one so far while its cable is out', { addresses: network.slice(0, 3), defaultRoute: 'eth0', current: '192.0.2.10', stillOurs: true }, '192.0.2.10'],
  ['another when the one so far is gone', { addresses: network.slice(0, 3), current: '192.0.2.10' }, '198.51.100.7'],
  ['none where there are only pods', { addresses: network.slice(0, 2) }, undefined],
  ['none that the machine gave itself', { addresses: [at('eth0', '169.254.3.4')] }, undefined],
  ['none of IPv6', { addresses: [at('eth0', '2001:db8::1', 'IPv6')], defaultRoute: 'eth0' }, undefined],
])('the address of the machine: %s', (_what, choice, expected) => expect(choose(choice)).toBe(expected))

test('the default route with the smallest metric counts, if it is up', () => {
  const table = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth1\t00000000\t010200C0\t0002\t0\t0\t50\t00000000\t0\t0\t0',
    'wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
    'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n')
  expect(defaultRouteInterface(table)).toBe('eth0')
  expect(defaultRouteInterface('')).toBeUndefined()
})

test('an address is ours when a socket can be bound to it', async () => {
  expect(await isOurs('127.0.0.1')).toBe(true)
  expect(await isOurs('192.0.2.222')).toBe(false)
})
