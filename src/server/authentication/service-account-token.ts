// Tokens of service accounts, bound (TokenRequest) and legacy (kept in secrets). A token is good while its signature, its times and everything it is
// bound to are: account, pod, node and secret must exist with the uid they had. (Source: k8s.io/kubernetes/pkg/serviceaccount.)
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { nodes, pods, secrets, serviceaccounts } from '../../api/refs.ts'
import type { UserInfo } from '../../api/user.ts'
import { unverifiedClaims } from '../../pki/jwt.ts'
import type { Claims, VerifyToken } from '../../pki/jwt.ts'
import { legacyIssuer, readLegacyClaims } from '../../pki/service-account-claims.ts'
import type { BoundClaims, ObjectRef } from '../../pki/service-account-claims.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { TokenAuthenticator } from './token-authenticator.ts'

interface ServiceAccountTokenOptions {
  /** Those whose tokens are accepted; the first one issues. */
  issuers: readonly string[]
  /** What a token without audiences is for: the API server's own audiences. */
  apiAudiences: readonly string[]
  verify: VerifyToken
  reader: ObjectReader
  clock: Clock
}

const leeway = 60

export function createServiceAccountTokenAuthenticator(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const verify = rememberVerified(options.verify)
  return {
    authenticateToken(token, wanted) {
      const issuer = unverifiedClaims(token)?.iss
      if (typeof issuer !== 'string') return undefined
      if (issuer === legacyIssuer) {
        const audiences = commonAudiences(options.apiAudiences, wanted)
        return { user: legacyUser(options, token, verify(token)), audiences }
      }
      if (!options.issuers.includes(issuer)) return undefined
      const claims = verify(token)
      const audiences = commonAudiences(audiencesOf(claims) ?? options.apiAudiences, wanted)
      return { user: boundUser(options, claims as unknown as BoundClaims), audiences }
    },
  }
}

/** A signature is checked once; whatever can change about a token is checked each time. */
function rememberVerified(verify: VerifyToken): VerifyToken {
  const limit = 500
  const known = new Map<string, Claims>()
  return (token) => {
    const claims = known.get(token) ?? verify(token)
    known.delete(token)
    known.set(token, claims)
    if (known.size > limit) known.delete(known.keys().next().value!)
    return claims
  }
}

const quoted = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`

function commonAudiences(own: readonly string[], wanted: readonly string[]): readonly string[] {
  const common = own.filter((audience) => wanted.includes(audience))
  if (!common.length) throw new Error(`token audiences ${quoted(own)} is invalid for the target audiences ${quoted(wanted)}`)
  return common
}

function audiencesOf(claims: Claims): readonly string[] | undefined {
  const all = [claims.aud ?? []].flat().filter((one): one is string => typeof one === 'string')
  return all.length ? all : undefined
}

function boundUser({ reader, clock }: ServiceAccountTokenOptions, claims: BoundClaims): UserInfo {
  const now = clock.now() / 1000
  if (isExpired(claims, clock)) throw new Error('service account token has expired')
  const { namespace, serviceaccount, pod, node, secret } = claims['kubernetes.io']
  // What was deleted within the leeway still counts: a pod may use its token while it is terminated.
  const gone = ({ metadata }: KubeObject) => metadata?.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) / 1000 < now - leeway
  const check = (ref: ObjectRef, object: Stored | undefined, called: string) => {
    if (!object) throw new Error('service account token has been invalidated')
    if (object.metadata.uid !== ref.uid) {
      throw new Error(`${called} UID (${object.metadata.uid}) does not match service account ${called.toLowerCase()} ref claim (${ref.uid})`)
    }
    if (gone(object)) throw new Error('service account token has been invalidated')
  }
  const account = reader.get(serviceaccounts, serviceaccount.name, namespace)
  if (!account) throw new Error(`serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`)
  if (account.metadata.uid !== serviceaccount.uid) {
    throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${serviceaccount.uid})`)
  }
  if (gone(account)) throw new Error(`service account ${namespace}/${serviceaccount.name} has been deleted`)
  if (secret) check(secret, reader.get(secrets, secret.name, namespace), 'secret')
  if (pod) check(pod, reader.get(pods, pod.name, namespace), 'pod')
  if (node && !pod) check(node, reader.get(nodes, node.name), 'node')
  return serviceAccountIdentity(namespace, serviceaccount, { pod, node, id: claims.jti })
}

/**
 * A token lives as long as it was made for, wherever the wall clock has jumped meanwhile. One from the future is no worse than another: its signature
 * says that it was made, so the clock has been set back.
 */
const isExpired = ({ exp, iat }: BoundClaims, clock: Clock): boolean =>
  exp !== undefined && (iat === undefined ? clock.now() / 1000 > exp + leeway : clock.since(iat * 1000) / 1000 > exp - iat + leeway)

const invalidSince = 'kubernetes.io/legacy-token-invalid-since'

function legacyUser({ reader }: ServiceAccountTokenOptions, token: string, claims: Claims): UserInfo {
  const { namespace, secretName, serviceAccount } = readLegacyClaims(claims)
  const secret = reader.get(secrets, secretName, namespace)
  if (!secret || secret.metadata.deletionTimestamp) throw new Error('Token has been invalidated')
  if (!sameBytes(Buffer.from(secret.data?.token ?? '', 'base64'), Buffer.from(token))) throw new Error("Token does not match server's copy")
  const account = reader.get(serviceaccounts, serviceAccount.name, namespace)
  if (!account) throw new Error(`serviceaccounts ${JSON.stringify(serviceAccount.name)} not found`)
  if (account.metadata.deletionTimestamp) throw new Error(`ServiceAccount ${namespace}/${serviceAccount.name} has been deleted`)
  if (account.metadata.uid !== serviceAccount.uid) {
    throw new Error(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${serviceAccount.uid})`)
  }
  if (secret.metadata.labels?.[invalidSince]) {
    throw new Error(`the token in secret ${namespace}/${secretName} for service account ${namespace}/${serviceAccount.name} has been marked invalid. `
      + 'Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '
      + `'${invalidSince}' label from the secret to temporarily allow use of this token`)
  }
  return serviceAccountIdentity(namespace, serviceAccount, {})
}

const sameBytes = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b)

function serviceAccountIdentity(namespace: string, account: ObjectRef, bound: { pod?: ObjectRef; node?: ObjectRef; id?: string }): UserInfo {
  const prefix = 'authentication.kubernetes.io/'
  const extra: Record<string, string[]> = {}
  if (bound.id) extra[`${prefix}credential-id`] = [`JTI=${bound.id}`]
  if (bound.node?.name) extra[`${prefix}node-name`] = [bound.node.name]
  if (bound.node?.name && bound.node.uid) extra[`${prefix}node-uid`] = [bound.node.uid]
  if (bound.pod?.name && bound.pod.uid) {
    extra[`${prefix}pod-name`] = [bound.pod.name]
    extra[`${prefix}pod-uid`] = [bound.pod.uid]
  }
  return {
    name: `system:serviceaccount:${namespace}:${account.name}`,
    uid: account.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    ...(Object.keys(extra).length ? { extra } : {}),
  }
}
