import { expect, test } from 'vitest'
import { cidrContains, legacyCidr, legacyIp, strictCidr, strictIp } from './ip.ts'

const details = (found: Iterable<{ message: string }>) => [...found].map((e) => e.message.replace(/^Invalid value: "[^"]*": /, ''))
const noAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const noNetwork = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

test.each([
  ['10.0.0.1', []], ['10.0.0.01', ['must not have leading 0s']], ['x', [noAddress]], ['256.1.1.1', [noAddress]], ['::ffff:10.0.0.1', ['must not be an IPv4-mapped IPv6 address']],
  ['FD00::1', ['must be in canonical form ("fd00::1")']], ['fd00::1', []],
])('%s as an address', (text, found) => expect(details(strictIp('f', text))).toEqual(found))

test('fields of old take addresses that are not canonical', () => expect(details(legacyIp('f', 'FD00::1'))).toEqual([]))

test.each([
  ['10.0.0.0/8', []], ['10.0.0.1/8', ['must not have bits set beyond the prefix length']], ['10.0.0.0/33', [noNetwork]], ['10.0.0.0', [noNetwork]],
  ['010.0.0.0/8', ['must not have leading 0s in IP or prefix length']], ['fd00:10:42::/56', []], ['fd00::1/64', ['must not have bits set beyond the prefix length']],
])('%s as a network', (text, found) => expect(details(legacyCidr('f', text))).toEqual(found))

test('a network in another spelling', () => expect(details(strictCidr('f', 'FD00::/64'))).toEqual(['must be in canonical form ("fd00::/64")']))

test.each([
  ['10.0.0.0/8', '10.1.0.0/16', true], ['10.0.0.0/8', '11.0.0.0/16', false], ['10.1.0.0/16', '10.0.0.0/8', false], ['10.0.0.0/8', 'fd00::/64', false],
])('%s contains %s: %s', (outer, inner, yes) => expect(cidrContains(outer, inner)).toBe(yes))
