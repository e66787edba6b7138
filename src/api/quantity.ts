// Resource amounts as upstream reads and writes them (source: k8s.io/apimachinery/pkg/api/resource). The amount is exact, in billionths;
// finer parts are rounded up, away from zero.

type Format = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

const nano = 1_000_000_000n
const largest = (2n ** 63n - 1n) * nano
const decimalSuffixes: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const decimalNames = new Map(Object.entries(decimalSuffixes).map(([name, exponent]) => [exponent, name]))
const binaryNames = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const wrongNumber = 'unable to parse numeric part of quantity'
const wrongSuffix = "unable to parse quantity's suffix"
const grammar = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/

export class Quantity {
  readonly nanos: bigint
  readonly format: Format
  #text: string | undefined

  constructor(nanos: bigint, format: Format, text?: string) {
    this.nanos = nanos
    this.format = format
    this.#text = text
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.nanos === 0n ? other.format : this.format)
  }

  sub(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.nanos === 0n ? other.format : this.format)
  }

  /** Negative, zero or positive, as a sort function wants it. */
  compare(other: Quantity): number {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0
  }

  isZero(): boolean {
    return this.nanos === 0n
  }

  /** In whole units, rounded up. */
  value(): number {
    return Number(ceilDivide(this.nanos, nano))
  }

  /** In thousandths, rounded up. */
  milliValue(): number {
    return Number(ceilDivide(this.nanos, 1_000_000n))
  }

  /** The canonical form: no fraction, the largest suffix that loses nothing. */
  toString(): string {
    return (this.#text ??= render(this.nanos, this.format))
  }
}

const ceilDivide = (a: bigint, b: bigint): bigint => a / b + (a > 0n && a % b !== 0n ? 1n : 0n)
const pow10 = (exponent: number): bigint => 10n ** BigInt(exponent)

/** @throws Error with upstream's wording. */
export function parseQuantity(text: string | number | Quantity): Quantity {
  if (text instanceof Quantity) return text
  const input = typeof text === 'number' ? goNumber(text) : text
  const match = grammar.exec(input)
  if (!match || input === '') throw new Error(wrongFormat)
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  const scale = readSuffix(suffix)
  if (!scale) throw new Error(wrongSuffix)
  const digits = BigInt(whole + fraction || '0')
  const amount = toNanos(digits, fraction.length, scale)
  let format = scale.format
  let nanos = amount
  if (format === 'BinarySI') {
    if (nanos > largest) nanos = largest
    if (nanos > 0n && nanos < nano) format = 'DecimalSI'
  }
  return new Quantity(sign === '-' ? -nanos : nanos, format, keepsItsText(input, whole, fraction, scale) ? input : undefined)
}

export const isQuantity = (text: string | number): boolean => {
  try {
    parseQuantity(text)
    return true
  } catch {
    return false
  }
}

// A float as it stood in the JSON text, as far as a JavaScript number still tells.
const goNumber = (value: number): string => (Number.isFinite(value) ? String(value).replace('e+', 'e') : '')

interface Scale {
  format: Format
  base: 2 | 10
  exponent: number
}

function readSuffix(suffix: string): Scale | undefined {
  const decimal = decimalSuffixes[suffix]
  if (decimal !== undefined) return { format: 'DecimalSI', base: 10, exponent: decimal }
  const binary = binarySuffixes[suffix]
  if (binary !== undefined) return { format: 'BinarySI', base: 2, exponent: binary }
  if (!/^[eE][-+]?[0-9]+$/.test(suffix)) return undefined
  const exponent = Number(suffix.slice(1))
  if (Math.abs(exponent) > 1000) throw new Error(wrongNumber)
  return { format: 'DecimalExponent', base: 10, exponent }
}

function toNanos(digits: bigint, decimals: number, scale: Scale): bigint {
  if (scale.base === 2) return ceilDivide(digits * (1n << BigInt(scale.exponent)) * nano, pow10(decimals))
  const shift = scale.exponent - decimals + 9
  return shift >= 0 ? digits * pow10(shift) : ceilDivide(digits, pow10(-shift))
}

// Upstream keeps what was written where its fast path takes it for canonical; so `1.500` stays `1.500`.
function keepsItsText(input: string, whole: string, fraction: string, scale: Scale): boolean {
  const significant = whole.replace(/^0+/, '')
  const shifted = (significant || '0') + fraction
  if (/^[+-]?0*$/.test(input)) return false
  if (scale.base === 2) {
    const precision = 15 - (significant.length || 1) - Math.floor((scale.exponent * 3) / 10) - 1
    return !input.includes('.') && precision >= 0 && (BigInt(shifted) & 7n) !== 0n
  }
  const exponent = scale.exponent - fraction.length
  return 18 - shifted.length >= 0 && exponent >= -9 && exponent % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0')
}

function render(nanos: bigint, format: Format): string {
  if (nanos === 0n) return '0'
  const small = nanos > -1024n * nano && nanos < 1024n * nano
  if (format === 'BinarySI' && !small && nanos % nano === 0n) return renderBinary(nanos / nano)
  return renderDecimal(nanos, format === 'DecimalExponent')
}

function renderBinary(value: bigint): string {
  let step = 0
  while (step < binaryNames.length - 1 && value % 1024n === 0n) {
    value /= 1024n
    step++
  }
  return `${value}${binaryNames[step]}`
}

function renderDecimal(mantissa: bigint, exponential: boolean): string {
  let exponent = -9
  while (mantissa % 1000n === 0n && (exponential || exponent < 18)) {
    mantissa /= 1000n
    exponent += 3
  }
  if (!exponential) return `${mantissa}${decimalNames.get(exponent)}`
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`
}

const canonical = new Map<string | number, string>()

/** The text under which a quantity is stored and served; remembers the common ones. @throws Error */
export function canonicalQuantity(text: string | number): string {
  const known = canonical.get(text)
  if (known !== undefined) return known
  const result = parseQuantity(text).toString()
  if (canonical.size > 2000) canonical.clear()
  canonical.set(text, result)
  return result
}
