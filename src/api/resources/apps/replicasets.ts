import type { ReplicaSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { selectorOrNone, selectorText } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { replicaSetColumns, replicaSetFields, replicasScale } from '../common/replicas.ts'
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
  scale: replicasScale<ReplicaSet>((object) => selectorText(object.spec?.selector)),
  selectableFields: replicaSetFields,
  columns: replicaSetColumns((object) => selectorOrNone(object.spec?.selector)),
})
