import { duplicate } from '../../field-error.ts'
import type { RuntimeClass } from '../../generated/types.ts'
import { isDnsLabel } from '../../names.ts'
import { tolerations } from '../common/pod-spec/validation/spec.ts'
import { type Findings, immutable, listed, requiredAnd } from '../common/validation/findings.ts'
import { labels } from '../common/validation/labels.ts'
import { resourceRequirements } from '../common/validation/resource-names.ts'

export const validateRuntimeClass = listed(function* ({ handler, overhead, scheduling }: RuntimeClass): Findings {
  yield* requiredAnd('handler', handler, isDnsLabel)
  if (overhead) yield* resourceRequirements('overhead', { limits: overhead.podFixed })
  yield* labels('scheduling.nodeSelector', scheduling?.nodeSelector)
  const all = scheduling?.tolerations ?? []
  yield* tolerations('scheduling.tolerations', all)
  const key = ({ key, operator, value, effect }: (typeof all)[number]) => JSON.stringify([key, operator, value, effect])
  for (const [index, own] of all.entries()) {
    if (all.findIndex((other) => key(other) === key(own)) < index) yield duplicate(`scheduling.tolerations[${index}]`, own)
  }
})

export const validateRuntimeClassUpdate = listed(function* (draft: RuntimeClass, current: RuntimeClass): Findings {
  yield* immutable('handler', draft.handler, current.handler)
})
