import { describe, expect, it } from 'vitest'
import { bool, bytes, decode, encode, enumeration, integer, list, map, message, nanoseconds, one, string, sub } from './protobuf.ts'

const inner = message({ value: one(1, integer) })
const outer = message({
  text: one(1, string), small: one(2, integer), many: list(3, integer), words: list(4, string), nested: sub(5, inner), labels: map(6), when: one(7, nanoseconds),
  flag: one(8, bool), raw: one(9, bytes), mode: one(10, enumeration('POD', 'CONTAINER', 'NODE')), far: one(2000, string),
})

describe('protobuf', () => {
  it.each([
    [{ text: 'testing' }, '0a0774657374696e67'],
    [{ small: 150 }, '109601'],
    [{ small: -1 }, '10ffffffffffffffffff01'],
    [{ nested: { value: 150 } }, '2a03089601'],
    [{ nested: {} }, '2a00'],
    [{ labels: { a: 'b' } }, '32060a01611201' + '62'],
    [{ small: 0, text: '', flag: false, many: [] }, ''],
    [{ far: 'x' }, '827d0178'],
  ])('writes %j as published vectors do', (value, hex) => {
    expect(encode(outer, value).toString('hex')).toBe(hex)
  })

  it('reads back what it wrote', () => {
    const value = {
      text: 'é', small: -5, many: [1, 2, 3_000_000_000], words: ['', 'b'], nested: { value: 2 ** 40 }, labels: { '__proto__': 'x', k: '' }, when: 1_790_000_000_123, flag: true,
      raw: Buffer.from([0, 255]), mode: 'NODE' as const, far: 'y'.repeat(300),
    }
    expect(decode(outer, encode(outer, value))).toEqual(value)
  })

  it('reads packed lists and skips fields it does not know', () => {
    expect(decode(outer, Buffer.from('1a03018601' + 'f83e05', 'hex')).many).toEqual([1, 6 + 128])
  })

  it('refuses what is cut short', () => {
    expect(() => decode(outer, Buffer.from('0a05ab', 'hex'))).toThrow('truncated')
  })
})
