import type { ClusterRoleBinding } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { v1 } from '../common/strategy.ts'
import { validateClusterRoleBinding, validateRoleRefUpdate } from './validation.ts'
import { bindingColumns, defaultBinding } from './bindings.ts'

export const clusterrolebindings = defineResource<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', singular: 'clusterrolebinding', namespaced: false,
  ...v1('rbac', 'ClusterRoleBinding'),
  generation: 'none',
  nameFormat: 'path-segment',
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: validateClusterRoleBinding,
  validateUpdate: validateRoleRefUpdate,
  columns: bindingColumns,
})
