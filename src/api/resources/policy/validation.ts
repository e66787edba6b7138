import { invalid } from '../../field-error.ts'
import type { PodDisruptionBudget } from '../../generated/types.ts'
import { type Findings, listed, nonNegative, oneOfIfSet } from '../common/validation/findings.ts'
import { atMostAll, intOrPercent } from '../common/validation/int-or-percent.ts'
import { labelSelector } from '../common/validation/labels.ts'

export const validatePodDisruptionBudget = listed(function* ({ spec = {} }: PodDisruptionBudget): Findings {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) yield invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')
  for (const name of ['minAvailable', 'maxUnavailable'] as const) {
    yield* intOrPercent(`spec.${name}`, spec[name])
    yield* atMostAll(`spec.${name}`, spec[name])
  }
  yield* labelSelector('spec.selector', spec.selector)
  yield* oneOfIfSet('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'])
})

export const validatePodDisruptionBudgetStatus = listed(function* ({ status }: PodDisruptionBudget): Findings {
  for (const name of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) yield* nonNegative(`status.${name}`, status?.[name])
})
