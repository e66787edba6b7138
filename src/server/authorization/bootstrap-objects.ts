// The roles and bindings that every cluster starts with, as objects.
import type { ClusterRole, ClusterRoleBinding, ObjectMeta, PolicyRule, Role, RoleBinding, RoleRef, RbacV1Subject as Subject } from '../../api/generated/types.ts'
import * as policy from './bootstrap-policy.ts'

const apiGroup = 'rbac.authorization.k8s.io'
const apiVersion = `${apiGroup}/v1`
const aggregateLabel = (name: string) => ({ [`${apiGroup}/aggregate-to-${name}`]: 'true' })

const metadata = (name: string, labels: Record<string, string> = {}, namespace?: string): ObjectMeta => ({
  name,
  ...(namespace ? { namespace } : {}),
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
})

const list = (text: string) => text.split(',').map((one) => (one === 'core' ? '' : one))

function parseRule(text: string): PolicyRule {
  const [verbs = '', what = '', groups, names] = text.split(' ')
  if (groups === undefined) return { verbs: list(verbs), nonResourceURLs: list(what) }
  return { verbs: list(verbs), apiGroups: list(groups), resources: list(what), ...(names ? { resourceNames: list(names) } : {}) }
}

export const bootstrapRules = (clusterRole: string): PolicyRule[] => (policy.clusterRoles[clusterRole]?.rules ?? []).map(parseRule)

const allClusterRoles = { ...policy.clusterRoles, ...policy.ownClusterRoles }

export const bootstrapClusterRoles = (): ClusterRole[] => Object.entries(allClusterRoles).map(([name, { aggregates, aggregateTo, rules }]) => ({
  apiVersion, kind: 'ClusterRole',
  metadata: metadata(name, aggregateTo ? aggregateLabel(aggregateTo) : {}),
  ...(aggregates ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateLabel(aggregates) }] } } : { rules: rules.map(parseRule) }),
}))

function parseBinding(text: string, kind: string): { roleRef: RoleRef; subjects: Subject[] } {
  const [role = '', subjects = ''] = text.split(' <- ')
  return { roleRef: { apiGroup, kind, name: role }, subjects: subjects.split(' ').filter(Boolean).map(parseSubject) }
}

function parseSubject(text: string): Subject {
  const [kind, named] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]
  if (kind !== 'account') return { apiGroup, kind: kind === 'user' ? 'User' : 'Group', name: named }
  const [namespace = '', name = ''] = named.split('/')
  return { kind: 'ServiceAccount', name, namespace }
}

const allClusterRoleBindings = { ...policy.clusterRoleBindings, ...policy.ownClusterRoleBindings }

export const bootstrapClusterRoleBindings = (): ClusterRoleBinding[] => Object.entries(allClusterRoleBindings).map(([name, text]) => ({
  apiVersion, kind: 'ClusterRoleBinding', metadata: metadata(name), ...parseBinding(text, 'ClusterRole'),
}))

const splitName = (key: string): [string, string] => [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)]

export const bootstrapRoles = (): Role[] => Object.entries(policy.roles).map(([key, rules]) => {
  const [namespace, name] = splitName(key)
  return { apiVersion, kind: 'Role', metadata: metadata(name, {}, namespace), rules: rules.map(parseRule) }
})

export const bootstrapRoleBindings = (): RoleBinding[] => Object.entries(policy.roleBindings).map(([key, text]) => {
  const [namespace, name] = splitName(key)
  return { apiVersion, kind: 'RoleBinding', metadata: metadata(name, {}, namespace), ...parseBinding(text, 'Role') }
})
