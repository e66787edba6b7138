// What upstream says of objects that it accepts nevertheless. Warnings are generators: they yield sentences, in upstream's order.
import type { ObjectMeta } from '../../../generated/types.ts'
import { isDnsLabel } from '../../../names.ts'
import { canonicalQuantity, isQuantity, parseQuantity } from '../../../quantity.ts'

export type Warnings = Generator<string, void>

interface WithMetadata {
  metadata?: ObjectMeta
}

/** A `warnings` hook from a generator. */
export const warned = <A extends unknown[]>(find: (...about: A) => Iterable<string>) => (...about: A): string[] => [...find(...about)]

/** Bytes are whole. */
export function* fraction(field: string, value: string | number | undefined): Warnings {
  if (value === undefined || !isQuantity(value) || parseQuantity(value).milliValue() % 1000 === 0) return
  yield `${field}: fractional byte value ${JSON.stringify(canonicalQuantity(value))} is invalid, must be an integer`
}

/** Of kinds whose pods are called after them. */
export function* podNameWarning({ metadata }: WithMetadata): Warnings {
  const found = isDnsLabel(metadata?.name ?? '')
  if (found.length > 0) yield `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${found.join(' ')}]`
}

/** What an update changed enough to speak of it again. */
export const isNewGeneration = (draft: WithMetadata, current: WithMetadata | undefined): boolean => !current || draft.metadata?.generation !== current.metadata?.generation
