// Tokens with which nodes join: kubeadm's bootstrap tokens, kept as secrets (source: k8s.io/cluster-bootstrap/token/api), and the server's own join token.
import type { Clock } from '../../base/clock.ts'
import type { Secret } from '../../api/generated/types.ts'
import { secrets } from '../../api/refs.ts'
import { parseJoinToken, sameSecret } from '../../pki/join-token.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { TokenAuthenticator } from './token-authenticator.ts'

const bootstrappers = 'system:bootstrappers'
/** Whoever shows the server's join token. Bound by RBAC to what a joining agent needs. */
const joinGroup = 'system:bootstrappers:mk8s:join'

export const createJoinTokenAuthenticator = (options: { secret: string; apiAudiences: readonly string[] }): TokenAuthenticator => ({
  authenticateToken: (token) => (sameSecret(parseJoinToken(token).secret, options.secret)
    ? { user: { name: 'system:bootstrap:mk8s', groups: [bootstrappers, joinGroup] }, audiences: options.apiAudiences }
    : undefined),
})

export function createBootstrapTokenAuthenticator(options: { reader: ObjectReader; clock: Clock; apiAudiences: readonly string[] }): TokenAuthenticator {
  return {
    authenticateToken(token) {
      const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? []
      const kept = id && options.reader.get(secrets, `bootstrap-token-${id}`, 'kube-system')
      if (!id || !secret || !kept || !isUsable(kept, { id, secret, now: options.clock.now() })) return undefined
      return { user: { name: `system:bootstrap:${id}`, groups: [bootstrappers, ...extraGroups(kept)] }, audiences: options.apiAudiences }
    },
  }
}

const field = (secret: Secret, name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8')

function isUsable(kept: Secret, shown: { id: string; secret: string; now: number }): boolean {
  if (kept.type !== 'bootstrap.kubernetes.io/token' || kept.metadata?.deletionTimestamp) return false
  const expiration = field(kept, 'expiration')
  if (expiration && !(Date.parse(expiration) > shown.now)) return false
  return field(kept, 'token-id') === shown.id && sameSecret(field(kept, 'token-secret'), shown.secret) && field(kept, 'usage-bootstrap-authentication') === 'true'
}

const extraGroups = (kept: Secret): string[] =>
  field(kept, 'auth-extra-groups').split(',').filter((group) => /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group))
