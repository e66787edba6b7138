// Bearer tokens: whose is it? Kinds of tokens are tried in order.
import type { UserInfo } from '../../api/user.ts'

export interface TokenIdentity {
  readonly user: UserInfo
  /** Those of the wanted audiences that the token is for. */
  readonly audiences: readonly string[]
}

export interface TokenAuthenticator {
  /** Undefined: not a token of this kind. @throws Error that says why the token is refused, with upstream's wording. */
  authenticateToken(token: string, audiences: readonly string[]): TokenIdentity | undefined
}

/** Credentials that were shown and are not good. The reasons are for `TokenReview`; the answer to a request is a bare 401. */
export class CredentialsRefused extends Error {}

const aggregate = (reasons: readonly string[]): string => (reasons.length === 1 ? reasons[0]! : `[${[...new Set(reasons)].join(', ')}]`)

/** @throws CredentialsRefused when no kind accepts the token. */
export function authenticateToken(kinds: readonly TokenAuthenticator[], token: string, audiences: readonly string[]): TokenIdentity {
  const reasons = ['invalid bearer token']
  for (const kind of kinds) {
    try {
      const identity = kind.authenticateToken(token, audiences)
      if (identity) return { ...identity, user: withAuthenticatedGroup(identity.user) }
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  throw new CredentialsRefused(aggregate(reasons))
}

const allAuthenticated = 'system:authenticated'
const allUnauthenticated = 'system:unauthenticated'

export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: [allUnauthenticated] }

/** Everyone who is known is in `system:authenticated`, unless their credentials already say which of the two holds. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  const settled = user.name === anonymousUser.name || user.groups.includes(allAuthenticated) || user.groups.includes(allUnauthenticated)
  return settled ? user : { ...user, groups: [...user.groups, allAuthenticated] }
}
