import { expect, test } from 'vitest'
import { ageSince, humanDuration } from './duration.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

test.each([
  [-5, '<invalid>'], [-1, '0s'], [0, '0s'], [119, '119s'], [120, '2m'], [9 * minute + 59, '9m59s'], [10 * minute + 1, '10m'], [3 * hour - 1, '179m'], [3 * hour, '3h'], [7 * hour + 59 * minute, '7h59m'],
  [8 * hour + 5 * minute, '8h'], [2 * day - 1, '47h'], [2 * day, '2d'], [2 * day + 3 * hour, '2d3h'], [8 * day, '8d'], [2 * year - 1, '729d'], [2 * year, '2y'], [2 * year + 5 * day, '2y5d'], [9 * year + day, '9y'],
])('%d seconds are %s', (seconds, text) => expect(humanDuration(seconds * 1000)).toBe(text))

test('a time that is not there has no age', () => expect(ageSince(undefined, 0)).toBe('<unknown>'))
