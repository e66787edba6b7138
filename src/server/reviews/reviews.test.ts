import { createPublicKey } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import { clusterrolebindings, clusterroles, nodes, pods, serviceaccounts } from '../../api/refs.ts'
import { newPrivateKey } from '../../pki/issue.ts'
import { createTokenSigner, createTokenVerifier } from '../../pki/jwt.ts'
import { createAuthorization } from '../authorization/authorization.ts'
import type { Authorization } from '../authorization/authorization.ts'
import { createFakeObjectReader } from '../testing/fake-object-reader.ts'
import type { FakeObjectReader } from '../testing/fake-object-reader.ts'
import { reviewLocal, reviewRules, reviewSelf, reviewSubject } from './access-review.ts'
import { completeTokenRequest, issueToken } from './token-request.ts'
import type { TokenIssuer } from './token-request.ts'

const key = newPrivateKey()
const verify = createTokenVerifier([createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string])
const clock = new FakeClock(Date.UTC(2026, 5, 1))
const target = { namespace: 'shop', name: 'web' }
let reader: FakeObjectReader
let authorization: Authorization
let issuer: TokenIssuer

beforeEach(() => {
  reader = createFakeObjectReader()
  authorization = createAuthorization(reader)
  issuer = { sign: createTokenSigner(key), issuer: 'https://iss', apiAudiences: ['https://iss'], reader, clock }
  reader.put(serviceaccounts, { metadata: { name: 'web', namespace: 'shop' } })
  reader.put(nodes, { metadata: { name: 'n1' } })
  reader.put(pods, { metadata: { name: 'a', namespace: 'shop' }, spec: { containers: [], serviceAccountName: 'web', nodeName: 'n1' } })
  reader.put(clusterroles, { metadata: { name: 'r' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, { verbs: ['get'], nonResourceURLs: ['/x'] }] })
  reader.put(clusterrolebindings, { metadata: { name: 'b' }, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', name: 'ann' }] })
})

describe('access reviews', () => {
  const asked = { verb: 'get', resource: 'pods', namespace: 'shop' }
  const reason = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "ann"'

  it('answer as the authorizers would', () => {
    expect(reviewSubject(authorization, { spec: { user: 'ann', resourceAttributes: asked } }).status).toEqual({ allowed: true, reason })
    expect(reviewSubject(authorization, { spec: { user: 'bob', resourceAttributes: asked } }).status).toEqual({ allowed: false })
    expect(reviewSelf(authorization, { spec: { nonResourceAttributes: { path: '/x', verb: 'get' } } }, { name: 'ann', groups: [] }).status?.allowed).toBe(true)
    expect(reviewLocal(authorization, { metadata: { namespace: 'shop' }, spec: { user: 'ann', resourceAttributes: asked } }, 'shop').status?.allowed).toBe(true)
    expect(reviewRules(authorization, { spec: { namespace: 'shop' } }, { name: 'ann', groups: [] }).status).toEqual({
      incomplete: false, resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
    })
  })

  it('are refused when they ask nothing or too much', () => {
    expect(() => reviewSubject(authorization, { spec: { resourceAttributes: asked } })).toThrow('spec.user: Invalid value: "": at least one of user or group must be specified')
    expect(() => reviewSelf(authorization, { spec: {} }, { name: 'ann', groups: [] })).toThrow('exactly one of nonResourceAttributes or resourceAttributes must be specified')
    expect(() => reviewLocal(authorization, { metadata: { namespace: 'x' }, spec: { user: 'ann', resourceAttributes: asked } }, 'x')).toThrow('must match metadata.namespace')
  })
})

describe('token requests', () => {
  const request = (body: Parameters<typeof completeTokenRequest>[1]) => issueToken(issuer, completeTokenRequest(issuer, body, target), target)
  const pod = { kind: 'Pod', apiVersion: 'v1', name: 'a', uid: 'uid-a' }
  const now = clock.now() / 1000

  it('give a token for an hour and the API server, bound to the account alone', () => {
    const { spec, status } = request({ spec: { audiences: [] } })
    expect(spec).toMatchObject({ audiences: ['https://iss'], expirationSeconds: 3600 })
    expect(status?.expirationTimestamp).toBe('2026-06-01T01:00:00Z')
    expect(verify(status!.token!)).toMatchObject({ 'aud': ['https://iss'], 'exp': now + 3600, 'sub': 'system:serviceaccount:shop:web', 'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web', uid: 'uid-web' } } })
  })

  it('name pod and node, and extend what pods get by default', () => {
    const { status } = request({ spec: { audiences: [], expirationSeconds: 3607, boundObjectRef: pod } })
    expect(status?.expirationTimestamp).toBe('2026-06-01T01:00:07Z')
    expect(verify(status!.token!)).toMatchObject({
      'exp': now + 365 * 24 * 3600, 'kubernetes.io': { pod: { name: 'a', uid: 'uid-a' }, node: { name: 'n1', uid: 'uid-n1' }, warnafter: now + 3607 },
    })
    expect(verify(request({ spec: { audiences: ['vault'], expirationSeconds: 3607, boundObjectRef: pod } }).status!.token!)).toMatchObject({ exp: now + 3607 })
  })

  it.each<[string, Parameters<typeof completeTokenRequest>[1], string]>([
    ['too short', { spec: { audiences: [], expirationSeconds: 60 } }, 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes'],
    ['another name', { metadata: { name: 'x' }, spec: { audiences: [] } }, 'TokenRequest.authentication.k8s.io "web" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified'],
    ['another uid', { metadata: { uid: 'foo' }, spec: { audiences: [] } }, 'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "web": the UID in the token request (foo) does not match the UID of the service account (uid-web)'],
    ['no such pod', { spec: { audiences: [], boundObjectRef: { ...pod, name: 'none' } } }, 'pods "none" not found'],
    ['another pod', { spec: { audiences: [], boundObjectRef: { ...pod, uid: 'old' } } }, 'does not match the UID in record'],
    ['another kind', { spec: { audiences: [], boundObjectRef: { kind: 'Foo', apiVersion: 'v1' } } }, 'cannot bind token to object of type /v1, Kind=Foo'],
  ])('are refused: %s', (_what, body, message) => {
    expect(() => request(body)).toThrow(message)
  })
})
