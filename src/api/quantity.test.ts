import { expect, test } from 'vitest'
import { canonicalQuantity, parseQuantity } from './quantity.ts'

test.each([
  ['1000m', '1'], ['0.5', '500m'], ['1.5Gi', '1536Mi'], ['0.5Gi', '512Mi'], ['1024Ki', '1Mi'], ['2048', '2048'], ['1e3', '1e3'], ['12e6', '12e6'], ['1000k', '1M'],
  ['0', '0'], ['0Gi', '0'], ['-1.5', '-1500m'], ['100Mi', '100Mi'], ['1000Mi', '1000Mi'], ['0.1n', '1n'], ['1.1Ki', '1126400m'], ['1E', '1E'], ['1500m', '1500m'],
  ['100000000000000000000n', '100G'], ['9999999999999999999Ki', '9223372036854775807'], ['8Ki', '8Ki'], ['512', '512'], ['512Ki', '512Ki'], [5, '5'], [0.25, '250m'], ['1.500', '1.500'],
])('%s is stored as %s', (text, expected) => expect(canonicalQuantity(text)).toBe(expected))

test.each([
  ['', 'quantities must match'], ['1.2.3', 'quantities must match'], ['abc', 'quantities must match'], ['1Zi', 'quantities must match'], ['1mm', "unable to parse quantity's suffix"], ['1e', "unable to parse quantity's suffix"],
])('%s is refused', (text, expected) => expect(() => parseQuantity(text)).toThrow(expected))

test('arithmetic rounds up where it must', () => {
  const sum = parseQuantity('100m').add(parseQuantity('1'))
  expect([sum.toString(), sum.value(), sum.milliValue()]).toEqual(['1100m', 2, 1100])
  expect(parseQuantity('1Gi').sub(parseQuantity('512Mi')).toString()).toBe('512Mi')
  expect(parseQuantity('1').compare(parseQuantity('1000m'))).toBe(0)
  expect(parseQuantity('-1500m').value()).toBe(-1)
})
