// Role-based access control, decided from memory (source: plugin/pkg/auth/authorizer/rbac). An index leads from a subject to its bindings, so that a
// decision costs what the asker's own bindings cost, not what the cluster's do. Roles are read through the cache at each decision.
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, RbacV1Subject as Subject } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { clusterrolebindings, clusterroles, rolebindings, roles } from '../../api/refs.ts'
import type { UserInfo } from '../../api/user.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { Authorizer, Decision } from './authorizer.ts'
import { ruleAllows } from './rules.ts'

type Binding = Stored<ClusterRoleBinding> | Stored<RoleBinding>

export interface RoleRules {
  /** All rules that hold for the user in the namespace (and in the whole cluster), and what kept others from being found. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] }
  /** @returns undefined when there is no such role. */
  rulesOf(role: RoleRef, namespace: string): readonly PolicyRule[] | undefined
}

type Rbac = Authorizer & RoleRules

export function createRbac(reader: ObjectReader): Rbac {
  const bindings = indexBindings(reader)

  const rulesOf = ({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined => {
    const role: Role | ClusterRole | undefined = kind === 'Role' ? reader.get(roles, name, namespace) : reader.get(clusterroles, name)
    return role && (role.rules ?? [])
  }

  /** Visits the user's bindings, the cluster's first, until `visit` answers true. */
  const visit = (user: UserInfo, namespace: string, visitor: (binding: Binding, subject: Subject, rules: readonly PolicyRule[] | undefined) => boolean): void => {
    for (const scope of namespace ? ['', namespace] : ['']) {
      for (const subject of subjectsOf(user)) {
        for (const binding of bindings.of(scope, subject)) {
          const named = binding.subjects!.find((one) => subjectKey(one, scope) === subject)!
          if (visitor(binding, named, rulesOf(binding.roleRef, scope))) return
        }
      }
    }
  }

  return {
    rulesOf,
    rulesFor(user, namespace) {
      const found = { rules: [] as PolicyRule[], errors: [] as string[] }
      visit(user, namespace, ({ roleRef }, _subject, rules) => {
        if (rules) found.rules.push(...rules)
        else found.errors.push(missingRole(roleRef))
        return false
      })
      return found
    },
    authorize(attributes) {
      let decision: Decision | undefined
      const errors: string[] = []
      visit(attributes.user, attributes.namespace, (binding, subject, rules) => {
        if (!rules) errors.push(missingRole(binding.roleRef))
        else if (rules.some((rule) => ruleAllows(attributes, rule))) decision = allowedBy(binding, subject)
        return decision !== undefined
      })
      return decision ?? { verdict: 'no-opinion', reason: errors.length ? `RBAC: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}` : '' }
    },
  }
}

const missingRole = ({ kind, name }: RoleRef) => `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`

function allowedBy(binding: Binding, subject: Subject): Decision {
  const { name, namespace } = binding.metadata
  const bound = namespace ? `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}` : `ClusterRoleBinding ${JSON.stringify(name)}`
  const whom = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || (namespace ?? '')}` : subject.name
  const role = `${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}`
  return { verdict: 'allow', reason: `RBAC: allowed by ${bound} of ${role} to ${subject.kind} ${JSON.stringify(whom)}` }
}

const subjectsOf = (user: UserInfo): string[] => [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)]

/** A service account is the user it is authenticated as. */
function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  if (subject.kind === 'User' || subject.kind === 'Group') return `${subject.kind} ${subject.name}`
  const namespace = subject.namespace || bindingNamespace
  return subject.kind === 'ServiceAccount' && namespace ? `User system:serviceaccount:${namespace}:${subject.name}` : undefined
}

interface BindingIndex {
  /** `scope` is a namespace, or '' for ClusterRoleBindings. */
  of(scope: string, subject: string): Iterable<Binding>
}

function indexBindings(reader: ObjectReader): BindingIndex {
  const byScope = new Map<string, Map<string, Map<string, Binding>>>()
  const keysOf = (binding: Binding, scope: string) => new Set((binding.subjects ?? []).flatMap((subject) => subjectKey(subject, scope) ?? []))
  const add = (binding: Binding) => {
    const scope = binding.metadata.namespace ?? ''
    const bySubject = byScope.get(scope) ?? new Map<string, Map<string, Binding>>()
    byScope.set(scope, bySubject)
    for (const key of keysOf(binding, scope)) bySubject.set(key, (bySubject.get(key) ?? new Map()).set(binding.metadata.name, binding))
  }
  const remove = (binding: Binding) => {
    const scope = binding.metadata.namespace ?? ''
    const bySubject = byScope.get(scope)
    for (const key of keysOf(binding, scope)) {
      const named = bySubject?.get(key)
      named?.delete(binding.metadata.name)
      if (named?.size === 0) bySubject!.delete(key)
    }
    if (bySubject?.size === 0) byScope.delete(scope)
  }
  const follow = (before: Binding | undefined, now: Binding | undefined) => {
    if (before) remove(before)
    if (now) add(now)
  }
  reader.onChange(clusterrolebindings, follow)
  reader.onChange(rolebindings, follow)
  for (const binding of [...reader.list(clusterrolebindings), ...reader.list(rolebindings)]) add(binding)
  return { of: (scope, subject) => byScope.get(scope)?.get(subject)?.values() ?? [] }
}
