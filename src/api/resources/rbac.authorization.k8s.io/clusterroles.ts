import type { ClusterRole } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateClusterRole } from './validation.ts'

export const clusterroles = defineResource<ClusterRole>({
  group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', plural: 'clusterroles', singular: 'clusterrole', namespaced: false,
  ...v1('rbac', 'ClusterRole'),
  generation: 'none',
  nameFormat: 'path-segment',
  allowCreateOnUpdate: true,
  validate: validateClusterRole,
  columns: plainColumns,
})
