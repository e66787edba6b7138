import type { Role } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateRole } from './validation.ts'

export const roles = defineResource<Role>({
  group: 'rbac.authorization.k8s.io', kind: 'Role', plural: 'roles', singular: 'role', namespaced: true,
  ...v1('rbac', 'Role'),
  generation: 'none',
  nameFormat: 'path-segment',
  allowCreateOnUpdate: true,
  validate: validateRole,
  columns: plainColumns,
})
