// Issues tokens of service accounts (KEP-1205; source: pkg/registry/core/serviceaccount/storage/token.go).
import { randomUUID } from 'node:crypto'
import { rfc3339 } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { AuthenticationV1TokenRequest as TokenRequest, BoundObjectReference } from '../../api/generated/types.ts'
import { invalid } from '../../api/field-error.ts'
import type { Stored } from '../../api/object.ts'
import { parseApiVersion } from '../../api/object.ts'
import { nodes, pods, secrets, serviceaccounts } from '../../api/refs.ts'
import { badRequestError, conflictError, invalidError, notFoundError } from '../../api/status-error.ts'
import type { SignToken } from '../../pki/jwt.ts'
import { boundClaims } from '../../pki/service-account-claims.ts'
import type { ObjectRef } from '../../pki/service-account-claims.ts'
import type { ObjectReader } from '../object-reader.ts'

export interface TokenIssuer {
  sign: SignToken
  issuer: string
  apiAudiences: readonly string[]
  reader: ObjectReader
  clock: Clock
}

interface TokenTarget {
  namespace: string
  /** Of the service account. */
  name: string
}

const group = 'authentication.k8s.io'
const tokenRequest = { group, kind: 'TokenRequest' }
const shortest = 10 * 60
const longest = 2 ** 32
const defaultSeconds = 3600
/** A pod that asks for this long gets a year and is noted when it comes back with an old token: old clients never read it again. */
const extendedWhen = 3607
const extendedSeconds = 365 * 24 * 3600

/** Completes the request with what the issuer decides. @throws StatusError */
export function completeTokenRequest({ reader, apiAudiences, clock }: TokenIssuer, request: TokenRequest, { namespace, name }: TokenTarget): TokenRequest {
  const { metadata = {}, spec } = request
  const mismatch = (field: string, value: string) =>
    invalidError(tokenRequest, name, [invalid(`metadata.${field}`, value, `must match the service account ${field} if specified`)])
  if (metadata.name && metadata.name !== name) throw mismatch('name', metadata.name)
  if (metadata.namespace && metadata.namespace !== namespace) throw mismatch('namespace', metadata.namespace)
  const account = found(reader.get(serviceaccounts, name, namespace), 'serviceaccounts', name)
  if (metadata.uid && metadata.uid !== account.metadata.uid) {
    const why = `the UID in the token request (${metadata.uid}) does not match the UID of the service account (${account.metadata.uid})`
    throw conflictError({ group, resource: 'TokenRequest' }, name, why)
  }
  const seconds = spec?.expirationSeconds ?? defaultSeconds
  const wrong = (why: string) => invalidError(tokenRequest, '', [invalid('spec.expirationSeconds', seconds, why)])
  if (seconds < shortest) throw wrong('may not specify a duration less than 10 minutes')
  if (seconds > longest) throw wrong('may not specify a duration larger than 2^32 seconds')
  return {
    apiVersion: `${group}/v1`, kind: 'TokenRequest',
    metadata: { ...metadata, name, namespace, uid: account.metadata.uid, creationTimestamp: rfc3339(clock.now()) },
    spec: { ...spec, audiences: spec?.audiences?.length ? spec.audiences : [...apiAudiences], expirationSeconds: seconds },
  }
}

/** The complete request with its token. @throws StatusError */
export function issueToken(options: TokenIssuer, request: TokenRequest, { namespace, name }: TokenTarget): TokenRequest {
  const { reader, clock, apiAudiences } = options
  const { audiences = [], expirationSeconds: seconds = defaultSeconds, boundObjectRef } = request.spec!
  const account = found(reader.get(serviceaccounts, name, namespace), 'serviceaccounts', name)
  const bound = boundObjectRef ? boundObjects(reader, boundObjectRef, { namespace, name }) : {}
  const extended = bound.pod && seconds === extendedWhen && audiences.every((audience) => apiAudiences.includes(audience))
  const now = clock.now()
  const claims = boundClaims({
    issuer: options.issuer, audiences, id: randomUUID(), now, namespace, serviceAccount: { name, uid: account.metadata.uid }, ...bound,
    ...(extended ? { expirationSeconds: extendedSeconds, warnAfterSeconds: seconds } : { expirationSeconds: seconds }),
  })
  return { ...request, status: { token: options.sign(claims), expirationTimestamp: rfc3339(now + seconds * 1000) } }
}

function found<T extends Stored>(object: T | undefined, resource: string, name: string): T {
  if (!object) throw notFoundError({ group: '', resource }, name)
  return object
}

const referenceTo = ({ metadata }: Stored): ObjectRef => ({ name: metadata.name, uid: metadata.uid })

function boundObjects(reader: ObjectReader, ref: BoundObjectReference, { namespace, name }: TokenTarget): { pod?: ObjectRef; node?: ObjectRef; secret?: ObjectRef } {
  const { group: refGroup, version } = parseApiVersion(ref.apiVersion ?? '')
  const kind = refGroup === '' ? ref.kind : ''
  const refName = ref.name ?? ''
  const sameUid = (object: Stored) => {
    if (!ref.uid || ref.uid === object.metadata.uid) return referenceTo(object)
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflictError({ group: '', resource: ref.kind ?? '' }, refName, why)
  }
  if (kind === 'Pod') {
    const pod = found(reader.get(pods, refName, namespace), 'pods', refName)
    if (pod.spec?.serviceAccountName !== name) {
      throw badRequestError(`cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`)
    }
    const nodeName = pod.spec.nodeName
    const node = nodeName ? reader.get(nodes, nodeName) : undefined
    return { pod: sameUid(pod), ...(nodeName ? { node: node ? referenceTo(node) : { name: nodeName } } : {}) }
  }
  if (kind === 'Node') return { node: sameUid(found(reader.get(nodes, refName), 'nodes', refName)) }
  if (kind === 'Secret') return { secret: sameUid(found(reader.get(secrets, refName, namespace), 'secrets', refName)) }
  throw badRequestError(`cannot bind token to object of type ${refGroup}/${version}, Kind=${ref.kind ?? ''}`)
}
