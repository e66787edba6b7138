import { BlockList, isIP } from 'node:net'
import { invalid } from '../../../field-error.ts'
import type { Findings } from './findings.ts'

const subnets = (...all: [string, number, 'ipv4' | 'ipv6'][]): BlockList => {
  const list = new BlockList()
  for (const [address, bits, family] of all) list.addSubnet(address, bits, family)
  return list
}

const reserved: readonly [BlockList, (ip: string) => string][] = [
  [subnets(['0.0.0.0', 32, 'ipv4'], ['::', 128, 'ipv6']), (ip) => `may not be unspecified (${ip})`],
  [subnets(['127.0.0.0', 8, 'ipv4'], ['::1', 128, 'ipv6']), () => 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [subnets(['169.254.0.0', 16, 'ipv4'], ['fe80::', 10, 'ipv6']), () => 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [subnets(['224.0.0.0', 24, 'ipv4'], ['ff02::', 16, 'ipv6']), () => 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]

/** An address that traffic may be sent to. */
export function* endpointIp(field: string, ip: string): Findings {
  const family = isIP(ip)
  if (family === 0) return yield invalid(field, ip, 'must be a valid IP address')
  for (const [list, message] of reserved) if (list.check(ip, family === 4 ? 'ipv4' : 'ipv6')) yield invalid(field, ip, message(ip))
}
