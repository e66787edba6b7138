import type { ReplicaSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from '../common/columns.ts'
import { selectorOrNone, selectorText } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateReplicaSet, validateReplicaSetStatus, validateSelectorUpdate } from './validation.ts'
import { replicatedWarnings } from '../common/warnings/workloads.ts'

export const replicasets = defineResource<ReplicaSet>({
  group: 'apps', kind: 'ReplicaSet', plural: 'replicasets', singular: 'replicaset', shortNames: ['rs'], categories: ['all'], namespaced: true,
  ...v1('apps', 'ReplicaSet'),
  ...statusHooks<ReplicaSet>(() => ({ replicas: 0 }), validateReplicaSetStatus),
  validate: validateReplicaSet,
  warnings: replicatedWarnings,
  validateUpdate: validateSelectorUpdate,
  defaults({ spec }) {
    if (!spec) return
    defaultPodTemplate(spec.template)
    spec.replicas ??= 1
  },
  scale: {
    specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas',
    selector: (object) => selectorText((object as ReplicaSet).spec?.selector),
  },
  selectableFields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    integer('Desired', (object) => object.spec?.replicas ?? 0),
    integer('Current', (object) => object.status?.replicas ?? 0),
    integer('Ready', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicaSet>((object) => object.spec?.template?.spec?.containers).map(wide),
    wide(text('Selector', (object) => selectorOrNone(object.spec?.selector))),
  ],
})
