// Validators are generators: they yield what is wrong, in upstream's order, and take the path of what they look at.
import { type FieldError, invalid, notSupported, required, tooLong } from '../../../field-error.ts'
import { isDnsSubdomain, isQualifiedName, rangeMessage } from '../../../names.ts'
import { equal } from '../equal.ts'

export type Findings = Generator<FieldError, void>

/** A validation hook from a generator. */
export const listed = <A extends unknown[]>(find: (...about: A) => Iterable<FieldError>) => (...about: A): FieldError[] => [...find(...about)]

export function* messages(field: string, value: unknown, found: readonly string[]): Findings {
  for (const message of found) yield invalid(field, value, message)
}

export function* checked(field: string, value: string | undefined, rule: (text: string) => string[]): Findings {
  yield* messages(field, value ?? '', rule(value ?? ''))
}

/** An empty value is missing; any other obeys the rule. */
export function* requiredAnd(field: string, value: string | undefined, rule: (text: string) => string[]): Findings {
  if (!value) yield required(field)
  else yield* checked(field, value, rule)
}

/** Of a CSI driver or a driver of devices: upper case is allowed. */
export function* driverName(field: string, name: string | undefined): Findings {
  if (!name) return yield required(field)
  if (name.length > 63) yield tooLong(field, 63)
  yield* messages(field, name, isDnsSubdomain(name.toLowerCase()))
}

export function* qualifiedName(field: string, value: string | undefined): Findings {
  yield* checked(field, value, isQualifiedName)
}

export function* nonNegative(field: string, value: number | undefined): Findings {
  if (value !== undefined && value < 0) yield invalid(field, value, 'must be greater than or equal to 0')
}

export function* positive(field: string, value: number | undefined): Findings {
  if (value !== undefined && value <= 0) yield invalid(field, value, 'must be greater than zero')
}

export function* withinRange(field: string, value: number | undefined, [low, high]: readonly [number, number]): Findings {
  if (value !== undefined && (value < low || value > high)) yield invalid(field, value, rangeMessage(low, high))
}

/** One of `supported`, which upstream lists in the order given; missing is required. */
export function* oneOf(field: string, value: string | undefined, supported: readonly string[]): Findings {
  if (!value) yield required(field)
  else if (!supported.includes(value)) yield notSupported(field, value, supported)
}

/** The same where the field may be absent. */
export function* oneOfIfSet(field: string, value: string | undefined, supported: readonly string[]): Findings {
  if (value !== undefined && !supported.includes(value)) yield notSupported(field, value, supported)
}

export function* immutable(field: string, draft: unknown, current: unknown): Findings {
  if (!equal(draft, current)) yield invalid(field, draft, 'field is immutable')
}
