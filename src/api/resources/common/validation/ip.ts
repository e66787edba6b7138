// IP addresses and CIDRs (source: k8s.io/apimachinery/pkg/util/validation/ip.go).
import { BlockList, isIP, isIPv4 } from 'node:net'
import { invalid } from '../../../field-error.ts'
import type { Findings } from './findings.ts'

const leadingZeros = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/** Also what older clients wrote: IPv4 with leading zeros. */
const sloppy = (text: string): string | undefined => {
  if (isIP(text) && !text.includes('%')) return text
  const octets = leadingZeros.exec(text)?.slice(1).map(Number)
  return octets?.every((o) => o <= 255) ? octets.join('.') : undefined
}

const isMapped = (text: string) => /^(0*:)*:?(0*:)*ffff:/i.test(text) && !isIPv4(text) && (text.includes('.') || /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/i.test(text))

/** The text of RFC 5952. */
const canonicalIp = (text: string): string => (isIPv4(text) ? text : new URL(`http://[${text}]`).hostname.slice(1, -1))

/** For fields that predate strict parsing. */
export function* legacyIp(field: string, text: string): Findings {
  const address = sloppy(text)
  if (address === undefined) yield invalid(field, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
  else if (address !== text) yield invalid(field, text, 'must not have leading 0s')
  else if (isMapped(text)) yield invalid(field, text, 'must not be an IPv4-mapped IPv6 address')
}

export function* strictIp(field: string, text: string): Findings {
  const found = [...legacyIp(field, text)]
  yield* found
  if (found.length === 0 && canonicalIp(text) !== text) yield invalid(field, text, `must be in canonical form ("${canonicalIp(text)}")`)
}

interface Cidr {
  address: string
  length: number
  canonical: string
}

function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? undefined : sloppy(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (address === undefined || !/^\d{1,3}$/.test(digits)) return undefined
  const length = Number(digits)
  const bits = isIPv4(address) ? 32 : 128
  return length > bits ? undefined : { address, length, canonical: `${networkOf(address, length)}/${length}` }
}

const bytesOf = (address: string): number[] => {
  if (isIPv4(address)) return address.split('.').map(Number)
  const [head = '', tail] = canonicalIp(address).split('::')
  const words = (part: string | undefined) => (part ? part.split(':').map((word) => Number.parseInt(word, 16)) : [])
  const [before, after] = [words(head), words(tail)]
  const all = tail === undefined ? before : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return all.flatMap((word) => [word >> 8, word & 255])
}

function networkOf(address: string, length: number): string {
  const masked = bytesOf(address).map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, length - index * 8))) & 255)
  if (masked.length === 4) return masked.join('.')
  const words = Array.from({ length: 8 }, (_, index) => ((masked[2 * index]! << 8) | masked[2 * index + 1]!).toString(16))
  return canonicalIp(words.join(':'))
}

export function* legacyCidr(field: string, text: string): Findings {
  const cidr = parseCidr(text)
  const [address, length] = text.split('/')
  if (!cidr) yield invalid(field, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')
  else if (cidr.address !== address || String(cidr.length) !== length) yield invalid(field, text, 'must not have leading 0s in IP or prefix length')
  else if (isMapped(cidr.address)) yield invalid(field, text, 'must not have an IPv4-mapped IPv6 address')
  else if (networkOf(cidr.address, cidr.length) !== canonicalIp(cidr.address)) yield invalid(field, text, 'must not have bits set beyond the prefix length')
}

export function* strictCidr(field: string, text: string): Findings {
  const found = [...legacyCidr(field, text)]
  yield* found
  const canonical = parseCidr(text)?.canonical
  if (found.length === 0 && canonical !== text) yield invalid(field, text, `must be in canonical form ("${canonical}")`)
}

/** Whether the second CIDR lies within the first. Both are valid. */
export function cidrContains(outer: string, inner: string): boolean {
  const [a, b] = [parseCidr(outer), parseCidr(inner)]
  if (!a || !b || isIPv4(a.address) !== isIPv4(b.address) || b.length < a.length) return false
  const list = new BlockList()
  list.addSubnet(a.address, a.length, isIPv4(a.address) ? 'ipv4' : 'ipv6')
  return list.check(b.address, isIPv4(b.address) ? 'ipv4' : 'ipv6')
}

/** Of a valid address that is not written as RFC 5952 wants it. */
export function* ipWarning(field: string, text: string): Generator<string, void> {
  if (isIP(text) && canonicalIp(text) !== text) yield `${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonicalIp(text)}")`
}

export function* cidrWarning(field: string, text: string): Generator<string, void> {
  const canonical = parseCidr(text)?.canonical
  if (canonical !== undefined && canonical !== text) yield `${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${canonical}")`
}
