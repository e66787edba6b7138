// What the tokens of service accounts say (source: k8s.io/kubernetes/pkg/serviceaccount, KEP-1205, KEP-4193).
import type { Claims } from './jwt.ts'

export const legacyIssuer = 'kubernetes/serviceaccount'

export interface ObjectRef {
  name: string
  uid?: string
}

export interface BoundClaims {
  'aud': string[]
  'exp': number
  'iat': number
  'iss': string
  'jti': string
  'kubernetes.io': { namespace: string; node?: ObjectRef; pod?: ObjectRef; secret?: ObjectRef; serviceaccount: ObjectRef; warnafter?: number }
  'nbf': number
  'sub': string
}

export interface BoundTokenSpec {
  issuer: string
  audiences: readonly string[]
  id: string
  /** Milliseconds since 1970. */
  now: number
  expirationSeconds: number
  /** Seconds from now after which use of the token is noted as stale. */
  warnAfterSeconds?: number
  namespace: string
  serviceAccount: Required<ObjectRef>
  /** A token lives no longer than what it is bound to. A pod's token names its node, too. */
  pod?: ObjectRef
  node?: ObjectRef
  secret?: ObjectRef
}

export function boundClaims(spec: BoundTokenSpec): BoundClaims & Claims {
  const now = Math.floor(spec.now / 1000)
  const { namespace, node, pod, secret, serviceAccount: serviceaccount } = spec
  const bound = { namespace, ...(node && { node }), ...(pod && { pod }), ...(secret && { secret }), serviceaccount }
  return {
    'aud': [...spec.audiences],
    'exp': now + spec.expirationSeconds,
    'iat': now,
    'iss': spec.issuer,
    'jti': spec.id,
    'kubernetes.io': spec.warnAfterSeconds ? { ...bound, warnafter: now + spec.warnAfterSeconds } : bound,
    'nbf': now,
    'sub': `system:serviceaccount:${namespace}:${serviceaccount.name}`,
  }
}

const legacyPrefix = 'kubernetes.io/serviceaccount/'

interface LegacyTokenSpec {
  namespace: string
  serviceAccount: Required<ObjectRef>
  secretName: string
}

/** For secrets of type `kubernetes.io/service-account-token`: without end, as long as the secret is there. */
export const legacyClaims = ({ namespace, serviceAccount, secretName }: LegacyTokenSpec): Claims => ({
  iss: legacyIssuer,
  [`${legacyPrefix}namespace`]: namespace,
  [`${legacyPrefix}secret.name`]: secretName,
  [`${legacyPrefix}service-account.name`]: serviceAccount.name,
  [`${legacyPrefix}service-account.uid`]: serviceAccount.uid,
  sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
})

/** @throws Error with upstream's wording. */
export function readLegacyClaims(claims: Claims): LegacyTokenSpec {
  const text = (name: string, called: string): string => {
    const value = claims[name]
    if (typeof value !== 'string' || value === '') throw new Error(`${called} claim is missing`)
    return value
  }
  const subject = text('sub', 'sub')
  const namespace = text(`${legacyPrefix}namespace`, 'namespace')
  const secretName = text(`${legacyPrefix}secret.name`, 'secretName')
  const name = text(`${legacyPrefix}service-account.name`, 'serviceAccountName')
  const uid = text(`${legacyPrefix}service-account.uid`, 'serviceAccountUID')
  if (subject !== `system:serviceaccount:${namespace}:${name}`) throw new Error('sub claim is invalid')
  return { namespace, secretName, serviceAccount: { name, uid } }
}
