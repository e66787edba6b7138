import type { ReplicationController } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from '../common/columns.ts'
import { labelsOrNone, labelsText } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
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
  scale: {
    specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas',
    selector: (object) => labelsText((object as ReplicationController).spec?.selector),
  },
  selectableFields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    integer('Desired', (object) => object.spec?.replicas ?? 0),
    integer('Current', (object) => object.status?.replicas ?? 0),
    integer('Ready', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicationController>((object) => object.spec?.template?.spec?.containers).map(wide),
    wide(text('Selector', (object) => labelsOrNone(object.spec?.selector))),
  ],
})
