import type { ReplicationController } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { labelsOrNone, labelsText } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { replicaSetColumns, replicaSetFields, replicasScale } from '../common/replicas.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateReplicationController, validateReplicationControllerStatus } from './replication-controller-validation.ts'
import { replicatedWarnings } from '../common/warnings/workloads.ts'

function defaults(draft: ReplicationController): void {
  const { spec } = draft
  if (!spec) return
  defaultPodTemplate(spec.template)
  spec.replicas ??= 1
  const labels = spec.template?.metadata?.labels
  if (!labels) return
  if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
  if (Object.keys(draft.metadata?.labels ?? {}).length === 0) draft.metadata = { ...draft.metadata, labels: { ...labels } }
}

export const replicationcontrollers = defineResource<ReplicationController>({
  group: '', kind: 'ReplicationController', plural: 'replicationcontrollers', singular: 'replicationcontroller', shortNames: ['rc'], categories: ['all'], namespaced: true,
  ...v1('core', 'ReplicationController'),
  defaultPropagation: 'Orphan',
  ...statusHooks<ReplicationController>(() => ({ replicas: 0 }), validateReplicationControllerStatus),
  defaults,
  validate: validateReplicationController,
  warnings: replicatedWarnings,
  scale: replicasScale<ReplicationController>((object) => labelsText(object.spec?.selector)),
  selectableFields: replicaSetFields,
  columns: replicaSetColumns((object) => labelsOrNone(object.spec?.selector)),
})
