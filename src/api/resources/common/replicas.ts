// What kinds that have a number of replicas share.
import type { Container } from '../../generated/types.ts'
import type { KubeObject } from '../../object.ts'
import type { ScaleSubresource, TableColumn } from '../../resource.ts'
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from './columns.ts'

/** @param selector of the pods that are counted. */
export const replicasScale = <T extends KubeObject>(selector: (object: T) => string): ScaleSubresource => ({
  specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', selector: (object) => selector(object as T),
})

interface Replicated extends KubeObject {
  spec?: { replicas?: number; template?: { spec?: { containers: Container[] } } }
  status?: { replicas?: number; readyReplicas?: number }
}

/** ReplicaSet, and ReplicationController before it. */
export const replicaSetColumns = <T extends Replicated>(selector: (object: T) => string): readonly TableColumn<T>[] => [
  nameColumn,
  integer('Desired', (object) => object.spec?.replicas ?? 0),
  integer('Current', (object) => object.status?.replicas ?? 0),
  integer('Ready', (object) => object.status?.readyReplicas ?? 0),
  ageColumn,
  ...containerColumns<T>((object) => object.spec?.template?.spec?.containers).map(wide),
  wide(text('Selector', selector)),
]
export const replicaSetFields = { 'status.replicas': (object: Replicated) => String(object.status?.replicas ?? 0) }
