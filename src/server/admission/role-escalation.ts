// Nobody grants by roles and bindings what they do not hold themselves, unless they may `escalate` or `bind` (source: pkg/registry/rbac).
import { isDeepStrictEqual } from 'node:util'
import type { ClusterRole, PolicyRule, RoleBinding } from '../../api/generated/types.ts'
import { forbiddenError, notFoundError } from '../../api/status-error.ts'
import { isSuperuser, type Authorization } from '../authorization/authorization.ts'
import { compactRules, describeRule, missingRules } from '../authorization/rules.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { draftOf } from './requests.ts'

const group = 'rbac.authorization.k8s.io'
const everything: PolicyRule[] = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }]

export const createRoleEscalationCheck = (authorization: Authorization): AdmissionPlugin => ({
  name: 'RoleEscalation',
  handles: ({ definition, operation, attributes }) =>
    definition.group === group && (operation === 'CREATE' || operation === 'UPDATE') && !isSuperuser(attributes.user),
  validate(request) {
    if (request.current && onlyForGarbageCollection(request)) return
    if (request.definition.plural.endsWith('bindings')) checkBinding(authorization, request)
    else checkRole(authorization, request)
  },
})

const nameOf = ({ attributes, draft }: AdmissionRequest) => attributes.name || (draft?.metadata?.name ?? '')

function refuse(request: AdmissionRequest, why: string) {
  return forbiddenError({ group, resource: request.definition.plural }, nameOf(request), why)
}

function onlyForGarbageCollection({ draft, current }: AdmissionRequest): boolean {
  const { ownerReferences, finalizers, managedFields, resourceVersion } = current!.metadata!
  return isDeepStrictEqual(plain({ ...draft, metadata: { ...draft!.metadata, ownerReferences, finalizers, managedFields, resourceVersion } }), plain(current))
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function checkRole(authorization: Authorization, request: AdmissionRequest): void {
  const { attributes } = request
  if (authorization.authorize({ ...attributes, verb: 'escalate', version: '*', name: nameOf(request) }).verdict === 'allow') return
  const role = draftOf<ClusterRole>(request)
  requireHeld(authorization, request, role.rules ?? [])
  const aggregates = (one: ClusterRole | undefined) => (one?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0
  if (!aggregates(role) && !aggregates(request.current as ClusterRole | undefined)) return
  if (missing(authorization, request, everything).length) throw refuse(request, 'must have cluster-admin privileges to use the aggregationRule')
}

function checkBinding(authorization: Authorization, request: AdmissionRequest): void {
  const { attributes } = request
  const { roleRef } = draftOf<RoleBinding>(request)
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  const bind = { ...attributes, verb: 'bind', group: roleRef.apiGroup ?? group, version: '*', resource, name: roleRef.name }
  if (authorization.authorize(bind).verdict === 'allow') return
  const rules = authorization.rulesOf(roleRef, attributes.namespace)
  if (!rules) throw notFoundError({ group, resource: request.definition.plural }, roleRef.name)
  requireHeld(authorization, request, rules)
}

const missing = (authorization: Authorization, { attributes }: AdmissionRequest, wanted: readonly PolicyRule[]) =>
  missingRules(authorization.rulesFor(attributes.user, attributes.namespace).rules, wanted)

function requireHeld(authorization: Authorization, request: AdmissionRequest, wanted: readonly PolicyRule[]): void {
  const lacking = missing(authorization, request, wanted)
  if (!lacking.length) return
  const { user, namespace } = request.attributes
  const lines = [...new Set(compactRules(lacking).map(describeRule))].sort()
  const groups = user.groups.map((one) => JSON.stringify(one)).join(' ')
  const { errors } = authorization.rulesFor(user, namespace)
  const text = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
  throw refuse(request, errors.length ? `${text}; resolution errors: [${errors.join(' ')}]` : text)
}
