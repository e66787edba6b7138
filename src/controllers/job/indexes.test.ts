import { expect, test } from 'vitest'
import { firstFree, formatIndexes, hasIndex, indexesOf, overlap, parseIndexes, total, union } from './indexes.ts'

test.each([
  ['', 10, '', 0],
  ['0', 10, '0', 1],
  ['0,1', 10, '0,1', 2],
  ['0,1,2,5,7-8', 10, '0-2,5,7,8', 6],
  ['0-3,5-20', 7, '0-3,5,6', 6],
  ['1,x,3-y,4', 10, '1,4', 2],
  ['3,12', 10, '3', 1],
])('%s below %i is %s', (text, completions, expected, count) => {
  const parsed = parseIndexes(text, completions)
  expect([formatIndexes(parsed), total(parsed)]).toEqual([expected, count])
})

test('sets of indexes', () => {
  expect(formatIndexes(union(parseIndexes('0-2,6', 10), indexesOf([9, 3, 3, 7])))).toBe('0-3,6,7,9')
  expect([2, 4, 5].map((index) => hasIndex(parseIndexes('0-2,5', 10), index))).toEqual([true, false, true])
})

test.each([
  ['0-4', '2-8', 3],
  ['0,2,4', '0-9', 3],
  ['0-3', '5-9', 0],
])('%s and %s have %i in common', (a, b, common) => {
  expect(overlap(parseIndexes(a, 100), parseIndexes(b, 100))).toBe(common)
})

test.each([
  ['0-2,5', 3, 10, [3, 4, 6]],
  ['', 2, 10, [0, 1]],
  ['1-9', 5, 10, [0]],
  ['0-20', 5, 10, []],
])('beside %s the first %i below %i', (taken, count, completions, expected) => {
  expect(firstFree(parseIndexes(taken, 100), count, completions)).toEqual(expected)
})
