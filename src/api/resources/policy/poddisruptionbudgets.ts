import type { PodDisruptionBudget } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn, text } from '../common/columns.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validatePodDisruptionBudget, validatePodDisruptionBudgetStatus } from './validation.ts'

export const poddisruptionbudgets = defineResource<PodDisruptionBudget>({
  group: 'policy', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', singular: 'poddisruptionbudget', shortNames: ['pdb'], namespaced: true,
  ...v1('policy', 'PodDisruptionBudget'),
  nameFormat: 'path-segment',
  allowUnconditionalUpdate: false,
  ...statusHooks<PodDisruptionBudget>(() => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }), validatePodDisruptionBudgetStatus),
  validate: validatePodDisruptionBudget,
  columns: [
    nameColumn,
    text('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    text('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    integer('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
})
