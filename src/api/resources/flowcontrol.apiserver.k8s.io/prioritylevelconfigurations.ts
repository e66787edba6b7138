import type { PriorityLevelConfiguration } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validatePriorityLevel } from './validation.ts'

const queuing = ({ spec }: PriorityLevelConfiguration) => spec?.limited?.limitResponse?.queuing
const none = '<none>'

function defaults({ spec }: PriorityLevelConfiguration): void {
  if (spec?.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0
    spec.exempt.lendablePercent ??= 0
  }
  if (!spec?.limited) return
  spec.limited.nominalConcurrencyShares ??= 30
  spec.limited.lendablePercent ??= 0
  const queue = spec.limited.limitResponse?.queuing
  if (!queue) return
  queue.handSize ||= 8
  queue.queues ||= 64
  queue.queueLengthLimit ||= 50
}

export const prioritylevelconfigurations = defineResource<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io', kind: 'PriorityLevelConfiguration', plural: 'prioritylevelconfigurations', singular: 'prioritylevelconfiguration', namespaced: false,
  ...v1('flowcontrol', 'PriorityLevelConfiguration'),
  defaults,
  ...statusHooks<PriorityLevelConfiguration>(() => ({})),
  subresources: { status: statusOnly() },
  validate: validatePriorityLevel,
  storedOnly: () => 'PriorityLevelConfiguration is only stored yet: it limits no requests',
  columns: [
    nameColumn,
    text('Type', ({ spec }) => spec?.type ?? ''),
    text('NominalConcurrencyShares', ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? none),
    text('Queues', (object) => queuing(object)?.queues ?? none),
    text('HandSize', (object) => queuing(object)?.handSize ?? none),
    text('QueueLengthLimit', (object) => queuing(object)?.queueLengthLimit ?? none),
    ageColumn,
  ],
})
