import type { FlowSchema } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validateFlowSchema } from './validation.ts'

export const flowschemas = defineResource<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io', kind: 'FlowSchema', plural: 'flowschemas', singular: 'flowschema', namespaced: false,
  ...v1('flowcontrol', 'FlowSchema'),
  defaults(draft) {
    if (draft.spec && !draft.spec.matchingPrecedence) draft.spec.matchingPrecedence = 1000
  },
  ...statusHooks<FlowSchema>(() => ({})),
  subresources: { status: statusOnly() },
  validate: validateFlowSchema,
  storedOnly: () => 'FlowSchema is only stored yet: requests are not classified by it',
  columns: [
    nameColumn,
    text('PriorityLevel', ({ spec }) => spec?.priorityLevelConfiguration.name ?? ''),
    text('MatchingPrecedence', ({ spec }) => spec?.matchingPrecedence ?? 0),
    text('DistinguisherMethod', ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    text('MissingPL', ({ status }) => status?.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?'),
  ],
})
