import { expect, test } from 'vitest'
import { warningHeaders } from './warning-headers.ts'

const sizes = (...lengths: number[]) => warningHeaders(lengths.map((length) => 'x'.repeat(length))).map((header) => header.length - '299 - ""'.length)

test('a warning is quoted, in one line', () => {
  expect(warningHeaders(['say "a\\b"\nnow'])).toEqual(['299 - "say \\"a\\\\b\\" now"'])
})

test('warnings are cut short only where all together are too long', () => {
  expect(sizes(4096)).toEqual([4096])
  expect(sizes(4097)).toEqual([256])
  expect(sizes(4000, 97, 300)).toEqual([256, 97, 256])
})

test('what comes behind the bound is left out', () => {
  expect(sizes(...Array<number>(30).fill(1000))).toEqual(Array<number>(16).fill(256))
})
