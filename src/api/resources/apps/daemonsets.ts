import type { DaemonSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from '../common/columns.ts'
import { labelsOrNone, selectorOrNone } from '../common/label-text.ts'
import { statusHooks, v1 } from '../common/strategy.ts'

const status = statusHooks<DaemonSet>(() => ({ currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }))

export const daemonsets = defineResource<DaemonSet>({
  group: 'apps', kind: 'DaemonSet', plural: 'daemonsets', singular: 'daemonset', shortNames: ['ds'], categories: ['all'], namespaced: true,
  ...v1('apps', 'DaemonSet'),
  ...status,
  columns: [
    nameColumn,
    integer('Desired', (object) => object.status?.desiredNumberScheduled ?? 0),
    integer('Current', (object) => object.status?.currentNumberScheduled ?? 0),
    integer('Ready', (object) => object.status?.numberReady ?? 0),
    integer('Up-to-date', (object) => object.status?.updatedNumberScheduled ?? 0),
    integer('Available', (object) => object.status?.numberAvailable ?? 0),
    text('Node Selector', (object) => labelsOrNone(object.spec?.template.spec?.nodeSelector)),
    ageColumn,
    ...containerColumns<DaemonSet>((object) => object.spec?.template.spec?.containers).map(wide),
    wide(text('Selector', (object) => selectorOrNone(object.spec?.selector))),
  ],
})
