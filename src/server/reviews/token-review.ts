// Whose token is it? Asked by webhooks, extension API servers and kubelets (source: pkg/registry/authentication).
import { rfc3339 } from '../../base/clock.ts'
import type { SelfSubjectReview, TokenReview, UserInfo as WireUser } from '../../api/generated/types.ts'
import { badRequestError } from '../../api/status-error.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Authentication } from '../authentication/authentication.ts'
import { CredentialsRefused } from '../authentication/token-authenticator.ts'

interface TokenReviewOptions {
  authentication: Pick<Authentication, 'authenticateToken'>
  apiAudiences: readonly string[]
}

export function reviewToken({ authentication, apiAudiences }: TokenReviewOptions, review: TokenReview): TokenReview {
  const { token, audiences } = review.spec
  if (!token) throw badRequestError('token is required for TokenReview in authentication')
  try {
    const identity = authentication.authenticateToken(token, audiences?.length ? audiences : apiAudiences)
    return { ...review, status: { authenticated: true, user: wireUser(identity.user), audiences: [...identity.audiences] } }
  } catch (error) {
    if (!(error instanceof CredentialsRefused)) throw error
    return { ...review, status: { user: {}, error: error.message } }
  }
}

export const reviewSelfSubject = (user: UserInfo, now: number): SelfSubjectReview => ({
  apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: { creationTimestamp: rfc3339(now) }, status: { userInfo: wireUser(user) },
})

const wireUser = ({ name, uid, groups, extra }: UserInfo): WireUser => ({
  username: name,
  ...(uid ? { uid } : {}),
  groups: [...groups],
  ...(extra && Object.keys(extra).length ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) } : {}),
})
