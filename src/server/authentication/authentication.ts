// Puts the ways to show who one is in upstream's order: front proxy, client certificate, bearer token, nobody in particular.
import type { Clock } from '../../base/clock.ts'
import { unauthorizedError } from '../../api/status-error.ts'
import type { UserInfo } from '../../api/user.ts'
import { createTokenVerifier } from '../../pki/jwt.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { Authenticator, Credentials } from './authenticator.ts'
import { createBootstrapTokenAuthenticator, createJoinTokenAuthenticator } from './bootstrap-token.ts'
import { createCertificateAuthenticator } from './client-certificate.ts'
import { createRequestHeaderAuthenticator } from './request-header.ts'
import { createServiceAccountTokenAuthenticator } from './service-account-token.ts'
import { anonymousUser, authenticateToken, withAuthenticatedGroup } from './token-authenticator.ts'
import type { TokenAuthenticator, TokenIdentity } from './token-authenticator.ts'

interface AuthenticationOptions {
  /** PEM of the authority whose client certificates name users, and of the one for front proxies. */
  clientAuthority: string
  requestHeaderAuthority: string
  /** Common names of the front proxies that are believed. */
  proxyNames: readonly string[]
  /** PEM. */
  serviceAccountKeys: readonly string[]
  issuer: string
  apiAudiences: readonly string[]
  joinSecret?: string
  anonymous: boolean
  reader: ObjectReader
  clock: Clock
}

export interface Authentication {
  /** @throws StatusError 401. */
  authenticate(credentials: Credentials): Promise<UserInfo>
  /** @throws CredentialsRefused. */
  authenticateToken(token: string, audiences: readonly string[]): TokenIdentity
}

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { clock, reader, apiAudiences } = options
  const kinds: TokenAuthenticator[] = [
    createServiceAccountTokenAuthenticator({ issuers: [options.issuer], apiAudiences, verify: createTokenVerifier(options.serviceAccountKeys), reader, clock }),
    createBootstrapTokenAuthenticator({ reader, clock, apiAudiences }),
    ...(options.joinSecret ? [createJoinTokenAuthenticator({ secret: options.joinSecret, apiAudiences })] : []),
  ]
  const byCertificate: Authenticator[] = [
    createRequestHeaderAuthenticator({ authority: options.requestHeaderAuthority, allowedNames: options.proxyNames, clock }),
    createCertificateAuthenticator({ clientAuthority: options.clientAuthority, clock }),
  ]
  return {
    authenticateToken: (token, audiences) => authenticateToken(kinds, token, audiences),
    async authenticate(credentials) {
      for (const authenticator of byCertificate) {
        const user = await authenticator.authenticate(credentials)
        if (user) return withAuthenticatedGroup(user)
      }
      const token = bearerToken(credentials.headers)
      if (token !== undefined) return orUnauthorized(() => authenticateToken(kinds, token, apiAudiences).user)
      if (!options.anonymous) throw unauthorizedError()
      return anonymousUser
    },
  }
}

function orUnauthorized(identify: () => UserInfo): UserInfo {
  try {
    return identify()
  } catch {
    throw unauthorizedError()
  }
}

/** From `Authorization`, or from the WebSocket protocol that browsers use in its place. */
function bearerToken(headers: Credentials['headers']): string | undefined {
  const [scheme = '', token = ''] = (headers.authorization ?? '').trim().split(/ +/, 2)
  if (scheme.toLowerCase() === 'bearer' && token) return token
  const prefix = 'base64url.bearer.authorization.k8s.io.'
  const protocol = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim()).find((one) => one.startsWith(prefix))
  return protocol && Buffer.from(protocol.slice(prefix.length), 'base64url').toString('utf8')
}
