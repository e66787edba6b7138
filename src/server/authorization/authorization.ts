// The authorizers in upstream's order: superusers, nodes, roles.
import type { Attributes, UserInfo } from '../../api/user.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { Authorizer, Decision } from './authorizer.ts'
import { createNodeAuthorizer } from './node.ts'
import { createRbac } from './rbac.ts'
import type { RoleRules } from './rbac.ts'

export const isSuperuser = (user: UserInfo): boolean => user.groups.includes('system:masters')

export type Authorization = Authorizer & RoleRules

export function createAuthorization(reader: ObjectReader): Authorization {
  const rbac = createRbac(reader)
  const authorizers: Authorizer[] = [createNodeAuthorizer(reader), rbac]
  return {
    rulesFor: rbac.rulesFor,
    rulesOf: rbac.rulesOf,
    authorize(attributes: Attributes): Decision {
      if (isSuperuser(attributes.user)) return { verdict: 'allow', reason: '' }
      const reasons: string[] = []
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(attributes)
        if (decision.verdict !== 'no-opinion') return decision
        if (decision.reason) reasons.push(decision.reason)
      }
      return { verdict: 'no-opinion', reason: reasons.join('\n') }
    },
  }
}
