import { forbidden } from '../../field-error.ts'
import type { PriorityClass } from '../../generated/types.ts'
import { type Findings, immutable, listed, oneOf } from '../common/validation/findings.ts'

const prefix = 'system-'
const highest = 1_000_000_000
const system: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 }

function reserved({ metadata, value, globalDefault }: PriorityClass): string | undefined {
  const name = metadata?.name ?? ''
  const known = system[name]
  if (known === undefined) return `${name} is not a known system priority class`
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export const validatePriorityClass = listed(function* (object: PriorityClass): Findings {
  if (object.metadata?.name?.startsWith(prefix)) {
    const error = reserved(object)
    if (error) yield forbidden('metadata.name', `priority class names with '${prefix}' prefix are reserved for system use only. error: ${error}`)
  } else if ((object.value ?? 0) > highest) yield forbidden('value', `maximum allowed value of a user defined priority is ${highest}`)
  yield* oneOf('preemptionPolicy', object.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
})

export const validatePriorityClassUpdate = listed(function* (draft: PriorityClass, current: PriorityClass): Findings {
  if ((draft.value ?? 0) !== (current.value ?? 0)) yield forbidden('value', 'may not be changed in an update.')
  yield* immutable('preemptionPolicy', draft.preemptionPolicy, current.preemptionPolicy)
})
