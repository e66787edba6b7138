// Acting as someone else (`kubectl --as`): each part of the wanted identity must be allowed by the verb `impersonate`
// (source: k8s.io/apiserver/pkg/endpoints/filters/impersonation).
import { badRequestError } from '../../api/status-error.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { forbiddenByAuthorizer } from '../authorization/forbidden.ts'
import type { Credentials } from './authenticator.ts'
import { extraFrom, listHeader } from './headers.ts'
import { anonymousUser } from './token-authenticator.ts'

interface ImpersonationOptions {
  user: UserInfo
  headers: Credentials['headers']
  authorizer: Authorizer
}

/** @returns the identity to go on with. @throws StatusError 400 or 403. */
export function impersonate({ user, headers, authorizer }: ImpersonationOptions): UserInfo {
  const name = headers['impersonate-user'] ?? ''
  const groups = listHeader(headers['impersonate-group'])
  const extra = extraFrom(headers, 'impersonate-extra-')
  const uid = headers['impersonate-uid']
  if (!name) {
    if (groups.length || uid || Object.keys(extra).length) {
      throw badRequestError('requested impersonation of groups, extra values or a uid without impersonating a user')
    }
    return user
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)
  const require = (what: Partial<Attributes>) => {
    const nothing = { path: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
    const attributes: Attributes = { ...nothing, user, verb: 'impersonate', isResourceRequest: true, ...what }
    const { verdict, reason } = authorizer.authorize(attributes)
    if (verdict !== 'allow') throw forbiddenByAuthorizer(attributes, reason)
  }
  const authentication = { group: 'authentication.k8s.io', version: 'v1' }
  require(account ? { resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! } : { resource: 'users', name })
  for (const group of groups) require({ resource: 'groups', name: group })
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) require({ ...authentication, resource: 'userextras', subresource: key, name: value })
  }
  if (uid) require({ ...authentication, resource: 'uids', name: uid })
  return { name, ...(uid ? { uid } : {}), groups: groupsFor(name, groups, account?.[1]), extra }
}

function groupsFor(name: string, wanted: readonly string[], namespace: string | undefined): readonly string[] {
  const groups = namespace !== undefined && !wanted.length ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [...wanted]
  const unauthenticated = 'system:unauthenticated'
  const settled = groups.includes(unauthenticated) || (name !== anonymousUser.name && groups.includes('system:authenticated'))
  return settled ? groups : [...groups, name === anonymousUser.name ? unauthenticated : 'system:authenticated']
}
