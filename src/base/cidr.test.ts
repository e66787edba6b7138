import { expect, test } from 'vitest'
import { addressAt, cidrContains, cidrsOverlap, formatAddress, parseAddress, parseCidr } from './cidr.ts'

test.each([
  ['10.42.0.1', '10.42.0.1'],
  ['fd00::1', 'fd00::1'],
  ['FD00:0:0:1::', 'fd00:0:0:1::'],
  ['::', '::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
])('%s is written %s', (text, canonical) => {
  const { family, value } = parseAddress(text)
  expect(formatAddress(family, value)).toBe(canonical)
})

test('ranges', () => {
  const range = parseCidr('10.43.7.9/16')!
  expect(formatAddress(range.family, range.base)).toBe('10.43.0.0')
  expect(addressAt(range, 10)).toBe('10.43.0.10')
  expect(addressAt(range, 65535)).toBe('10.43.255.255')
  expect(() => addressAt(range, 65536)).toThrow(RangeError)
  expect(cidrContains(range, '10.43.255.1')).toBe(true)
  expect(cidrContains(range, '10.44.0.1')).toBe(false)
  expect(cidrContains(range, 'fd00::1')).toBe(false)
  expect(cidrsOverlap(range, parseCidr('10.0.0.0/8')!)).toBe(true)
  expect(cidrsOverlap(range, parseCidr('10.42.0.0/16')!)).toBe(false)
  expect(addressAt(parseCidr('fd00:42::/64')!, 10)).toBe('fd00:42::a')
})

test.each(['10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', 'x/8', '', '::/129'])('%j is no range', (text) => expect(parseCidr(text)).toBeUndefined())
