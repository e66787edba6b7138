// Success policies, and the lists of indexes they and a job's status hold ("0-3,5").
import { invalid, required, tooLong, tooMany } from '../../field-error.ts'
import type { SuccessPolicy } from '../../generated/types.ts'
import { type Findings, nonNegative } from '../common/validation/findings.ts'

function index(text: string, completions: number): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`)
  if (Number(text) >= completions) throw new Error(`too large index: ${JSON.stringify(text)}`)
  return Number(text)
}

const notIncreasing = (previous: number, current: number) => new Error(`non-increasing order, previous: ${previous}, current: ${current}`)

/** @returns how many indexes the list names. @throws Error with upstream's wording. */
function countIndexes(text: string, completions: number): number {
  let last = -1
  let total = 0
  for (const interval of text === '' ? [] : text.split(',')) {
    const ends = interval.split('-')
    if (ends.length > 2) throw new Error(`the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`)
    const low = index(ends[0]!, completions)
    const high = ends.length > 1 ? index(ends[1]!, completions) : low
    if (ends.length > 1 && low >= high) throw notIncreasing(low, high)
    if (last >= low) throw notIncreasing(last, low)
    total += high - low + 1
    last = high
  }
  return total
}

const limit = 64 * 1024

export function* successPolicy(field: string, { rules = [] }: SuccessPolicy, completions: number): Findings {
  if (rules.length === 0) yield required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified')
  if (rules.length > 20) yield tooMany(`${field}.rules`, rules.length, 20)
  for (const [at, { succeededCount, succeededIndexes }] of rules.entries()) {
    const path = `${field}.rules[${at}]`
    if (succeededCount === undefined && succeededIndexes === undefined) {
      yield required(path, 'at least one of succeededCount or succeededIndexes must be specified')
    }
    let named = 0
    if (succeededIndexes !== undefined) {
      if (succeededIndexes.length > limit) yield tooLong(`${path}.succeededIndexes`, limit)
      try {
        named = countIndexes(succeededIndexes, completions)
      } catch (error) {
        yield invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${(error as Error).message}`)
      }
    }
    yield* nonNegative(`${path}.succeededCount`, succeededCount)
    if (succeededCount === undefined) continue
    if (succeededCount > completions) {
      yield invalid(`${path}.succeededCount`, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`)
    }
    if (succeededIndexes !== undefined && succeededCount > named) {
      yield invalid(`${path}.succeededCount`, succeededCount, `must be less than or equal to ${named} (the number of indexes in the specified succeededIndexes field)`)
    }
  }
}
