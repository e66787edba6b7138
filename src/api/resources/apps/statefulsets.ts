import type { StatefulSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, nameColumn, text, wide } from '../common/columns.ts'
import { selectorText } from '../common/label-text.ts'
import { defaultClaimTemplate } from '../common/claims.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { replicasScale } from '../common/replicas.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateStatefulSet, validateStatefulSetCreate, validateStatefulSetStatus, validateStatefulSetUpdate } from './validation.ts'
import { statefulSetWarnings } from '../common/warnings/workloads.ts'

function defaults({ spec }: StatefulSet): void {
  if (!spec) return
  defaultPodTemplate(spec.template)
  spec.podManagementPolicy ||= 'OrderedReady'
  spec.updateStrategy ??= {}
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate'
    spec.updateStrategy.rollingUpdate ??= {}
  }
  if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) spec.updateStrategy.rollingUpdate.partition ??= 0
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  for (const claim of spec.volumeClaimTemplates ?? []) defaultClaimTemplate(claim)
}

export const statefulsets = defineResource<StatefulSet>({
  group: 'apps', kind: 'StatefulSet', plural: 'statefulsets', singular: 'statefulset', shortNames: ['sts'], categories: ['all'], namespaced: true,
  ...v1('apps', 'StatefulSet'),
  ...statusHooks<StatefulSet>(() => ({ replicas: 0, availableReplicas: 0 }), validateStatefulSetStatus),
  defaults,
  nameFormat: 'dns-label',
  validate: validateStatefulSet,
  warnings: statefulSetWarnings,
  validateCreate: validateStatefulSetCreate,
  validateUpdate: validateStatefulSetUpdate,
  scale: replicasScale<StatefulSet>((object) => selectorText(object.spec?.selector)),
  columns: [
    nameColumn,
    text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    ageColumn,
    ...containerColumns<StatefulSet>((object) => object.spec?.template.spec?.containers).map(wide),
  ],
})
