// Source: pkg/apis/rbac/validation.
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject, Role, RoleBinding } from '../../generated/types.ts'
import { isDnsSubdomain, isPathSegmentName } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { checked, type Findings, listed, requiredAnd } from '../common/validation/findings.ts'
import { labelSelector } from '../common/validation/labels.ts'
import { filled } from '../common/validation/references.ts'

interface Scope {
  namespaced: boolean
}

const group = 'rbac.authorization.k8s.io'

function* policyRule(field: string, rule: PolicyRule, { namespaced }: Scope): Findings {
  yield* filled(`${field}.verbs`, rule.verbs, 'verbs must contain at least one value')
  const urls = rule.nonResourceURLs
  if (urls?.length) {
    if (namespaced) yield invalid(`${field}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs')
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
      yield invalid(`${field}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs')
    }
    return
  }
  yield* filled(`${field}.apiGroups`, rule.apiGroups, 'resource rules must supply at least one api group')
  yield* filled(`${field}.resources`, rule.resources, 'resource rules must supply at least one resource')
}

function* policyRules(rules: readonly PolicyRule[] | undefined, scope: Scope): Findings {
  for (const [index, rule] of (rules ?? []).entries()) yield* policyRule(`rules[${index}]`, rule, scope)
}

export const validateRole = ({ rules }: Role): FieldError[] => [...policyRules(rules, { namespaced: true })]

export const validateClusterRole = listed(function* ({ rules, aggregationRule }: ClusterRole): Findings {
  yield* policyRules(rules, { namespaced: false })
  if (!aggregationRule) return
  const at = 'aggregationRule.clusterRoleSelectors'
  yield* filled(at, aggregationRule.clusterRoleSelectors, 'at least one clusterRoleSelector required if aggregationRule is non-nil')
  for (const [index, selector] of (aggregationRule.clusterRoleSelectors ?? []).entries()) yield* labelSelector(`${at}[${index}]`, selector)
})

function* subject(field: string, { kind, name, namespace, apiGroup = '' }: RbacV1Subject, { namespaced }: Scope): Findings {
  if (!name) yield required(`${field}.name`)
  if (kind === 'ServiceAccount') {
    if (name) yield* checked(`${field}.name`, name, isDnsSubdomain)
    if (apiGroup) yield notSupported(`${field}.apiGroup`, apiGroup, [''])
    if (!namespaced && !namespace) yield required(`${field}.namespace`)
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== group) yield notSupported(`${field}.apiGroup`, apiGroup, [group])
  } else yield notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])
}

function* binding({ roleRef, subjects }: RoleBinding | ClusterRoleBinding, scope: Scope): Findings {
  const kinds = scope.namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (roleRef?.apiGroup !== group) yield notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [group])
  if (!kinds.includes(roleRef?.kind)) yield notSupported('roleRef.kind', roleRef?.kind ?? '', kinds)
  yield* requiredAnd('roleRef.name', roleRef?.name, isPathSegmentName)
  for (const [index, own] of (subjects ?? []).entries()) yield* subject(`subjects[${index}]`, own, scope)
}

export const validateRoleBinding = (object: RoleBinding): FieldError[] => [...binding(object, { namespaced: true })]
export const validateClusterRoleBinding = (object: ClusterRoleBinding): FieldError[] => [...binding(object, { namespaced: false })]

export const validateRoleRefUpdate = (draft: RoleBinding | ClusterRoleBinding, current: RoleBinding | ClusterRoleBinding): FieldError[] =>
  equal(draft.roleRef, current.roleRef) ? [] : [invalid('roleRef', draft.roleRef, 'cannot change roleRef')]
