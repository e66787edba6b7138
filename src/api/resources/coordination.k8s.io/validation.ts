import { invalid } from '../../field-error.ts'
import type { Lease } from '../../generated/types.ts'
import { type Findings, listed, nonNegative } from '../common/validation/findings.ts'

export const validateLease = listed(function* ({ spec = {} }: Lease): Findings {
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    yield invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0')
  }
  yield* nonNegative('spec.leaseTransitions', spec.leaseTransitions)
})
