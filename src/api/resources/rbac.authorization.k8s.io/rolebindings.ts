import type { RoleBinding } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { v1 } from '../common/strategy.ts'
import { validateRoleBinding, validateRoleRefUpdate } from './validation.ts'
import { bindingColumns, defaultBinding } from './bindings.ts'

export const rolebindings = defineResource<RoleBinding>({
  group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', plural: 'rolebindings', singular: 'rolebinding', namespaced: true,
  ...v1('rbac', 'RoleBinding'),
  generation: 'none',
  nameFormat: 'path-segment',
  allowCreateOnUpdate: true,
  defaults: defaultBinding,
  validate: validateRoleBinding,
  validateUpdate: validateRoleRefUpdate,
  columns: bindingColumns,
})
