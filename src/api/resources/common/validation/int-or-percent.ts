import { invalid } from '../../../field-error.ts'
import { isPercent } from '../../../names.ts'
import { type Findings, messages, nonNegative } from './findings.ts'

type IntOrPercent = number | string | undefined

export function* intOrPercent(field: string, value: IntOrPercent): Findings {
  if (typeof value === 'string') yield* messages(field, value, isPercent(value))
  else yield* nonNegative(field, value)
}

const percentOf = (value: IntOrPercent): number | undefined => (typeof value === 'string' && isPercent(value).length === 0 ? Number(value.slice(0, -1)) : undefined)

/** The number, of a percentage too. */
export const amountOf = (value: IntOrPercent): number => percentOf(value) ?? (typeof value === 'number' ? value : 0)

export function* atMostAll(field: string, value: IntOrPercent): Findings {
  if ((percentOf(value) ?? 0) > 100) yield invalid(field, value, 'must not be greater than 100%')
}
