// What role bindings of both scopes share.
import type { ClusterRoleBinding, RoleBinding } from '../../generated/types.ts'
import type { TableColumn } from '../../resource.ts'
import { ageColumn, nameColumn, text, wide } from '../common/columns.ts'

type AnyBinding = RoleBinding | ClusterRoleBinding

const subjects = (kind: string) => ({ subjects }: AnyBinding) =>
  (subjects ?? []).filter((s) => s.kind === kind).map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name}` : s.name)).join(', ')

export const bindingColumns: readonly TableColumn<AnyBinding>[] = [
  nameColumn,
  text('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide(text('Users', subjects('User'))),
  wide(text('Groups', subjects('Group'))),
  wide(text('ServiceAccounts', subjects('ServiceAccount'))),
]

const group = 'rbac.authorization.k8s.io'

export function defaultBinding(draft: AnyBinding): void {
  if (draft.roleRef) draft.roleRef.apiGroup ||= group
  for (const subject of draft.subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group
}
