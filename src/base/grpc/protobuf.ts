// Protocol buffers from tables (source: protobuf.dev, encoding). A message type is built from its field numbers; unknown fields are skipped,
// zero values are not written, and a decoded message has every scalar, list and map, with sub-messages undefined where they were absent.

type Wire = 0 | 1 | 2 | 5

export interface Type<In, Out = In> {
  readonly wire: Wire
  readonly zero: () => Out
  /** Lists of scalars arrive packed or not; strings and messages never packed. */
  readonly packable: boolean
  skips(value: In): boolean
  write(sink: Sink, value: In): void
  read(source: Source): Out
}

interface Field<In = any, Out = any> {
  readonly number: number
  readonly kind: 'one' | 'message' | 'list' | 'map'
  readonly type: Type<In, Out>
}

type InputOf<F> = { [K in keyof F]?: F[K] extends Field<infer In, any> ? In : never }
type OutputOf<F> = { [K in keyof F]: F[K] extends Field<any, infer Out> ? Out : never }
/** What a decoded message of the type looks like. */
export type Decoded<T> = T extends Type<any, infer Out> ? Out : never
/** What can be encoded as the type. */
export type Encodable<T> = T extends Type<infer In, any> ? In : never

class Sink {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value)
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80)
    this.byte(Number(rest))
  }

  size(value: number): void {
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80)
    this.byte(rest)
  }

  bytes(value: Uint8Array): void {
    this.size(value.length)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}

class Source {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Error('protobuf: varint is too long')
  }

  size(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 50; factor *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Error('protobuf: length is too long')
  }

  bytes(): Buffer {
    const length = this.size()
    if (this.#at + length > this.#buffer.length) throw new Error('protobuf: message is truncated')
    return this.#buffer.subarray(this.#at, (this.#at += length))
  }

  skip(wire: number): void {
    if (wire === 0) this.varint()
    else if (wire === 2) this.bytes()
    else if (wire === 1) this.#at += 8
    else if (wire === 5) this.#at += 4
    else throw new Error(`protobuf: wire type ${wire}`)
  }

  #byte(): number {
    const byte = this.#buffer[this.#at++]
    if (byte === undefined) throw new Error('protobuf: message is truncated')
    return byte
  }
}

const varint = <T extends string | number | bigint | boolean>(to: (value: T) => bigint, from: (value: bigint) => T): Type<T> => ({
  wire: 0, packable: true, zero: () => from(0n), skips: (value) => to(value) === 0n, write: (sink, value) => sink.varint(to(value)), read: (source) => from(source.varint()),
})
const signed = (value: bigint) => BigInt.asIntN(64, value)

/** Any integer type whose values stay below 2^53; fractions are cut. */
export const integer = varint<number>((value) => BigInt(Math.trunc(value)), (value) => Number(signed(value)))
export const bool = varint<boolean>((value) => (value ? 1n : 0n), (value) => value !== 0n)
/** An int64 of nanoseconds since 1970, as milliseconds. */
export const nanoseconds = varint<number>((value) => BigInt(Math.round(value)) * 1_000_000n, (value) => Number(signed(value) / 1_000_000n))
/** Names in the order of their numbers from 0; a number beyond them reads as the last name. */
export const enumeration = <const Names extends readonly string[]>(...names: Names): Type<Names[number]> =>
  varint<Names[number]>((value) => BigInt(Math.max(0, names.indexOf(value))), (value) => names[Number(value)] ?? names[names.length - 1]!)

export const string: Type<string> = {
  wire: 2, packable: false, zero: () => '', skips: (value) => value === '', write: (sink, value) => sink.bytes(Buffer.from(value)), read: (source) => source.bytes().toString(),
}
export const bytes: Type<Buffer> = {
  wire: 2, packable: false, zero: () => Buffer.alloc(0), skips: (value) => value.length === 0, write: (sink, value) => sink.bytes(value), read: (source) => Buffer.from(source.bytes()),
}

export const one = <In, Out>(number: number, type: Type<In, Out>): Field<In, Out> => ({ number, kind: 'one', type })
export const sub = <In, Out>(number: number, type: Type<In, Out>): Field<In | undefined, Out | undefined> => ({ number, kind: 'message', type: type as Type<In | undefined, Out | undefined> })
export const list = <In, Out>(number: number, type: Type<In, Out>): Field<readonly In[], Out[]> => ({ number, kind: 'list', type: type as unknown as Type<readonly In[], Out[]> })
/** From string to string. */
export const map = (number: number): Field<Record<string, string>, Record<string, string>> => ({ number, kind: 'map', type: entry as unknown as Type<Record<string, string>> })

export function message<F extends Record<string, Field>>(fields: F): Type<InputOf<F>, OutputOf<F>> {
  const named = Object.entries(fields)
  const byNumber = new Map(named.map(([name, field]) => [field.number, { name, field }]))
  const zero = () => Object.fromEntries(named.map(([name, { kind, type }]) => [name, kind === 'one' ? type.zero() : kind === 'list' ? [] : kind === 'map' ? {} : undefined])) as OutputOf<F>
  const writeAll = (sink: Sink, value: InputOf<F>) => {
    for (const [name, field] of named) if (value[name] !== undefined) writeField(sink, field, value[name])
  }
  return {
    wire: 2, packable: false, zero, skips: () => false,
    write(sink, value) {
      const inner = new Sink()
      writeAll(inner, value)
      sink.bytes(inner.done())
    },
    read(source) {
      const inner = new Source(source.bytes())
      const out = zero() as Record<string, any>
      while (!inner.done) {
        const tag = inner.size()
        const known = byNumber.get(Math.floor(tag / 8))
        if (known) readField(inner, tag % 8, known.field, out, known.name)
        else inner.skip(tag % 8)
      }
      return out as OutputOf<F>
    },
  }
}

function writeField(sink: Sink, { number, kind, type }: Field, value: any): void {
  const put = (item: unknown) => (sink.size(number * 8 + type.wire), type.write(sink, item))
  if (kind === 'list') for (const item of value) put(item)
  else if (kind === 'map') for (const [key, text] of Object.entries(value)) put({ key, value: text })
  else if (!type.skips(value)) put(value)
}

function readField(source: Source, wire: number, { kind, type }: Field, out: Record<string, any>, name: string): void {
  if (kind === 'list' && wire === 2 && type.packable) {
    const packed = new Source(source.bytes())
    while (!packed.done) out[name].push(type.read(packed))
  } else if (wire !== type.wire) source.skip(wire)
  else if (kind === 'list') out[name].push(type.read(source))
  else if (kind === 'map') {
    const { key, value } = type.read(source)
    Object.defineProperty(out[name], key, { value, enumerable: true, writable: true, configurable: true })
  } else out[name] = type.read(source)
}

const entry = message({ key: one(1, string), value: one(2, string) })

/** The message alone, without a length before it. */
export function encode<In>(type: Type<In, any>, value: In): Buffer {
  const sink = new Sink()
  type.write(sink, value)
  const framed = sink.done()
  return framed.subarray(lengthOfSize(framed))
}

export function decode<Out>(type: Type<any, Out>, encoded: Buffer): Out {
  const sink = new Sink()
  sink.size(encoded.length)
  return type.read(new Source(Buffer.concat([sink.done(), encoded])))
}

const lengthOfSize = (framed: Buffer) => framed.findIndex((byte) => byte < 0x80) + 1
