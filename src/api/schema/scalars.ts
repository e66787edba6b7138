// Single values as Go's types read them, in the form in which Go writes them.
import { canonicalQuantity } from '../quantity.ts'
import type { ScalarSchema } from './schema.ts'

/** A value that its Go type cannot take. `what` completes "json: cannot unmarshal ..."; without it the message stands alone. */
export class ScalarError extends Error {
  readonly what: string | undefined

  constructor(message: string, what?: string) {
    super(message)
    this.what = what
  }
}

const limits = { int32: [-(2n ** 31n), 2n ** 31n - 1n], int64: [-(2n ** 63n), 2n ** 63n - 1n], uint32: [0n, 2n ** 32n - 1n], uint64: [0n, 2n ** 64n - 1n] } as const

/** @throws ScalarError */
export function readScalar(schema: ScalarSchema, value: unknown): unknown {
  switch (schema.kind) {
    case 'string': return typeof value === 'string' ? value : refuse(value)
    case 'bool': return typeof value === 'boolean' ? value : refuse(value)
    case 'int32':
      if (typeof value === 'number' && (value | 0) === value) return value
      return integer(value, 'int32')
    case 'int64':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value
      return integer(value, 'int64')
    case 'uint32': case 'uint64': return integer(value, schema.kind)
    case 'float64': return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : refuse(value)
    case 'bytes': return typeof value === 'string' ? base64(value) : refuse(value)
    case 'time': return typeof value === 'string' ? readTime(value, 0) : refuse(value, 'string')
    case 'microtime': return typeof value === 'string' ? readTime(value, 6) : refuse(value, 'string')
    case 'duration': return typeof value === 'string' ? value : refuse(value, 'string')
    case 'intOrString': return typeof value === 'string' ? value : typeof value === 'number' ? integer(value, 'int32') : refuse(value, 'int32')
    case 'quantity': return quantity(value)
  }
}

/** As in `json: cannot unmarshal array`. */
export function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'bigint' ? 'number' : typeof value
}

function refuse(value: unknown, goType?: string): never {
  throw goType === undefined ? new ScalarError('', jsonType(value)) : new ScalarError(`json: cannot unmarshal ${jsonType(value)} into Go value of type ${goType}`)
}

function integer(value: unknown, type: keyof typeof limits): number | bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') return refuse(value)
  if (typeof value === 'number' && !Number.isInteger(value)) throw new ScalarError('', `number ${value}`)
  const exact = BigInt(value)
  if (exact < limits[type][0] || exact > limits[type][1]) throw new ScalarError('', `number ${exact}`)
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
}

function quantity(value: unknown): string {
  try {
    return canonicalQuantity(typeof value === 'string' || typeof value === 'number' ? value : typeof value === 'bigint' ? String(value) : 'x')
  } catch (error) {
    throw new ScalarError((error as Error).message)
  }
}

function base64(text: string): string {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return text
  const plain = text.replace(/[\r\n]/g, '')
  if (plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain)) return plain
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]/)
  const padding = text.search(/=/)
  const at = wrong >= 0 ? wrong : padding >= 0 ? padding : text.length - (plain.length % 4)
  throw new ScalarError(`illegal base64 data at input byte ${at}`)
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/
const usual = /^[1-9]\d{3}-\d\d-[012]\dT[01]\d:[0-5]\d:[0-5]\dZ$/

/** RFC 3339 in UTC with that many decimals; null for Go's zero time. */
function readTime(text: string, decimals: 0 | 6): string | null {
  if (decimals === 0 && usual.test(text)) return text.slice(5, 8) === '00-' || text.slice(5, 7) > '12' || text.slice(8, 10) === '00' || text.startsWith('02-29', 5) ? checkedTime(text, 0) : text
  return checkedTime(text, decimals)
}

function checkedTime(text: string, decimals: 0 | 6): string | null {
  const match = timePattern.exec(text)
  if (!match || (decimals === 6 && match[7]?.length !== 6)) throw new ScalarError(timeMessage(text, decimals))
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match
  const outside = range(Number(month), 1, 12, 'month') ?? range(Number(hour), 0, 23, 'hour') ?? range(Number(minute), 0, 59, 'minute') ?? range(Number(second), 0, 59, 'second')
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  const wrong = outside ?? range(Number(day), 1, lastDay, 'day')
  if (wrong) throw new ScalarError(`parsing time ${JSON.stringify(text)}: ${wrong} out of range`)
  const seconds = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`).toISOString().slice(0, 19)
  if (seconds === '0001-01-01T00:00:00') return null
  return decimals === 0 ? `${seconds}Z` : `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

const range = (value: number, low: number, high: number, name: string): string | undefined => (value < low || value > high ? name : undefined)

type Layout = readonly [RegExp, string][]

const dateLayout: Layout = [
  [/^\d{4}/, '2006'], [/^-/, '-'], [/^\d\d/, '01'], [/^-/, '-'], [/^\d\d/, '02'], [/^T/, 'T'], [/^\d\d/, '15'], [/^:/, ':'], [/^\d\d/, '04'], [/^:/, ':'],
]
const zone: Layout = [[/^(Z|[+-]\d\d:\d\d)/, 'Z07:00']]
const layouts = {
  0: { name: '2006-01-02T15:04:05Z07:00', elements: [...dateLayout, [/^\d\d([.,]\d+)?/, '05'], ...zone] as Layout },
  6: { name: '2006-01-02T15:04:05.000000Z07:00', elements: [...dateLayout, [/^\d\d/, '05'], [/^[.,]\d{6}/, '.000000'], ...zone] as Layout },
}

// Go tells which part of its layout it was reading.
function timeMessage(text: string, decimals: 0 | 6): string {
  const { name, elements } = layouts[decimals]
  let rest = text
  for (const [pattern, element] of elements) {
    const match = pattern.exec(rest)
    if (!match) return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(name)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`
    rest = rest.slice(match[0].length)
  }
  return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`
}
