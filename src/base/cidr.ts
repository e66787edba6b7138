// Arithmetic on addresses and ranges, for both families.
import { isIP } from 'node:net'

interface Cidr {
  family: 4 | 6
  /** The first address of the range. */
  base: bigint
  prefix: number
}

/** @throws RangeError when `text` is no address. */
export function parseAddress(text: string): { family: 4 | 6; value: bigint } {
  const family = isIP(text)
  if (family === 4) return { family, value: text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) }
  if (family === 6) return { family, value: parseV6(text) }
  throw new RangeError(`${JSON.stringify(text)} is not an IP address`)
}

function parseV6(text: string): bigint {
  const v4 = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text.split('%')[0]!)
  const plain = v4 ? v4[1]! + hexPair(parseAddress(v4[2]!).value) : text.split('%')[0]!
  const [head = '', tail] = plain.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':'))
  const left = words(head)
  const right = tail === undefined ? [] : words(tail)
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].reduce((sum, word) => (sum << 16n) | BigInt(parseInt(word, 16)), 0n)
}

const hexPair = (value: bigint) => `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`

export function formatAddress(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const words = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const zeros = [...words.join(':').matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length)[0]
  if (!zeros) return words.join(':')
  const joined = words.join(':')
  return `${joined.slice(0, zeros.index).replace(/:$/, '')}::${joined.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`
}

/** Undefined when `text` is no range. Host bits are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const [, host, bits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  if (!host || !isIP(host)) return undefined
  const { family, value } = parseAddress(host)
  const prefix = Number(bits)
  if (prefix > widthOf(family)) return undefined
  const hostBits = BigInt(widthOf(family) - prefix)
  return { family, prefix, base: (value >> hostBits) << hostBits }
}

const widthOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

export const cidrSize = (cidr: Cidr): bigint => 1n << BigInt(widthOf(cidr.family) - cidr.prefix)

/** The address `index` steps after the first of the range. @throws RangeError outside it. */
export function addressAt(cidr: Cidr, index: number | bigint): string {
  if (BigInt(index) < 0n || BigInt(index) >= cidrSize(cidr)) throw new RangeError(`the range has no address ${index}`)
  return formatAddress(cidr.family, cidr.base + BigInt(index))
}

export function cidrContains(cidr: Cidr, address: string): boolean {
  const { family, value } = parseAddress(address)
  return family === cidr.family && value >= cidr.base && value < cidr.base + cidrSize(cidr)
}

/** Whether the two have an address in common. */
export const cidrsOverlap = (a: Cidr, b: Cidr): boolean =>
  a.family === b.family && a.base < b.base + cidrSize(b) && b.base < a.base + cidrSize(a)
