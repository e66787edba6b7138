import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import { nodes, pods, secrets, serviceaccounts } from '../../api/refs.ts'
import type { UserInfo } from '../../api/user.ts'
import { subjectOf } from '../../pki/inspect.ts'
import { issueAuthority, issueIdentity, newPrivateKey } from '../../pki/issue.ts'
import { createTokenSigner } from '../../pki/jwt.ts'
import type { Claims, SignToken } from '../../pki/jwt.ts'
import { boundClaims, legacyClaims } from '../../pki/service-account-claims.ts'
import type { BoundTokenSpec } from '../../pki/service-account-claims.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { createFakeObjectReader } from '../testing/fake-object-reader.ts'
import type { FakeObjectReader } from '../testing/fake-object-reader.ts'
import { createAuthentication } from './authentication.ts'
import type { Authentication } from './authentication.ts'
import type { Credentials } from './authenticator.ts'
import { impersonate } from './impersonation.ts'
import { openIdDocuments } from './openid.ts'

const issuer = 'https://kubernetes.default.svc.cluster.local'
const day = 24 * 3600_000
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string
const sign: SignToken = createTokenSigner(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)

let clock: FakeClock
let reader: FakeObjectReader
let authentication: Authentication
let authorities: { client: { certificate: string; key: string }; proxy: { certificate: string; key: string } }

beforeAll(async () => {
  const authority = async (commonName: string) => {
    const key = newPrivateKey()
    return { key, certificate: await issueAuthority({ commonName, key, notAfter: Date.UTC(2036, 0, 1) }) }
  }
  authorities = { client: await authority('client'), proxy: await authority('proxy') }
})

beforeEach(() => {
  clock = new FakeClock(Date.UTC(2026, 5, 1))
  reader = createFakeObjectReader()
  reader.put(serviceaccounts, { metadata: { name: 'web', namespace: 'shop' } })
  reader.put(pods, { metadata: { name: 'a', namespace: 'shop' } })
  reader.put(nodes, { metadata: { name: 'n1' } })
  authentication = createAuthentication({
    clientAuthority: authorities.client.certificate, requestHeaderAuthority: authorities.proxy.certificate, proxyNames: ['system:auth-proxy'],
    serviceAccountKeys: [publicKey], issuer, apiAudiences: [issuer], joinSecret: 'joinsecret', anonymous: true, reader, clock,
  })
})

const claims = (more: Partial<BoundTokenSpec> = {}): Claims => boundClaims({
  issuer, audiences: [issuer], id: 'j1', now: clock.now(), expirationSeconds: 3600, namespace: 'shop',
  serviceAccount: { name: 'web', uid: 'uid-web' }, pod: { name: 'a', uid: 'uid-a' }, node: { name: 'n1', uid: 'uid-n1' }, ...more,
})
const bearer = (token: string): Promise<UserInfo> => authentication.authenticate({ headers: { authorization: `Bearer ${token}` } })
const reasonFor = (token: string, audiences = [issuer]): string => {
  try {
    authentication.authenticateToken(token, audiences)
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

describe('bound tokens', () => {
  it('name the account, its groups and what they are bound to', async () => {
    expect(await bearer(sign(claims()))).toEqual({
      name: 'system:serviceaccount:shop:web', uid: 'uid-web', groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': ['JTI=j1'], 'authentication.kubernetes.io/node-name': ['n1'], 'authentication.kubernetes.io/node-uid': ['uid-n1'],
        'authentication.kubernetes.io/pod-name': ['a'], 'authentication.kubernetes.io/pod-uid': ['uid-a'],
      },
    })
  })

  it('live as long as they were made for, wherever the wall clock jumps', () => {
    for (const wall of [0, clock.now() + 3_600_000, clock.now() - 3_600_000, clock.now() + 10 * 365 * day, clock.now()]) {
      const token = sign(claims())
      clock.setWall(wall)
      expect(reasonFor(token)).toBe('accepted')
      clock.advance(3_600_000 + 61_000)
      expect(reasonFor(token)).toContain('service account token has expired')
    }
  })

  it('from an earlier life with a clock that ran ahead are accepted', () => {
    expect(reasonFor(sign(claims({ now: clock.now() + day })))).toBe('accepted')
  })

  it('are accepted for the audiences they share with the asker', () => {
    expect(authentication.authenticateToken(sign(claims({ audiences: ['x', 'y'] })), ['y', 'z']).audiences).toEqual(['y'])
  })

  it.each<[string, () => string, string]>([
    ['another key', () => createTokenSigner(newPrivateKey())(claims()), 'invalid signature, no keys found'],
    ['changed claims', () => {
      const [head, , signature] = sign(claims()).split('.')
      return [head, sign(claims({ namespace: 'kube-system' })).split('.')[1], signature].join('.')
    }, 'go-jose/go-jose: error in cryptographic primitive'],
    ['no algorithm', () => {
      const body = sign(claims()).split('.')[1]
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    }, 'go-jose/go-jose: error in cryptographic primitive'],
    ['wrong audience', () => sign(claims({ audiences: ['x'] })), `token audiences ["x"] is invalid for the target audiences ["${issuer}"]`],
    ['expired', () => sign(claims({ now: clock.now() - day })), 'service account token has expired'],
    ['unknown account', () => sign(claims({ serviceAccount: { name: 'none', uid: 'x' } })), 'serviceaccounts "none" not found'],
    ['account made anew', () => sign(claims({ serviceAccount: { name: 'web', uid: 'old' } })), 'service account UID (uid-web) does not match claim (old)'],
    ['pod gone', () => sign(claims({ pod: { name: 'gone', uid: 'x' } })), 'service account token has been invalidated'],
    ['pod made anew', () => sign(claims({ pod: { name: 'a', uid: 'old' } })), 'pod UID (uid-a) does not match service account pod ref claim (old)'],
    ['node gone', () => sign(claims({ pod: undefined, node: { name: 'gone', uid: 'x' } })), 'service account token has been invalidated'],
    ['another issuer', () => sign({ ...claims(), iss: 'https://other' }), ''],
    ['nonsense', () => 'nonsense', ''],
  ])('are refused: %s', async (_what, token, reason) => {
    expect(reasonFor(token())).toBe(reason ? `[invalid bearer token, ${reason}]` : 'invalid bearer token')
    await expect(bearer(token())).rejects.toMatchObject({ code: 401, message: 'Unauthorized' })
  })

  it('end with the pod, a little after its deletion', () => {
    const token = sign(claims())
    expect(reasonFor(token)).toBe('accepted')
    reader.put(pods, { metadata: { name: 'a', namespace: 'shop', deletionTimestamp: new Date(clock.now()).toISOString() } })
    expect(reasonFor(token)).toBe('accepted')
    clock.advance(61_000)
    expect(reasonFor(token)).toContain('invalidated')
  })

  it('stay good while the clock has not been set after a boot', () => {
    const token = sign(claims())
    clock.setWall(0)
    expect(reasonFor(token)).toBe('accepted')
  })
})

describe('legacy tokens', () => {
  const token = sign(legacyClaims({ namespace: 'shop', serviceAccount: { name: 'web', uid: 'uid-web' }, secretName: 's' }))
  const keep = (value: string) => reader.put(secrets, { metadata: { name: 's', namespace: 'shop' }, data: { token: Buffer.from(value).toString('base64') } })

  it('are good as long as the secret holds them', () => {
    keep(token)
    expect(authentication.authenticateToken(token, [issuer]).user.name).toBe('system:serviceaccount:shop:web')
    keep('another')
    expect(reasonFor(token)).toContain("Token does not match server's copy")
    reader.remove(secrets, 's', 'shop')
    expect(reasonFor(token)).toContain('Token has been invalidated')
  })
})

describe('joining', () => {
  it('takes the join token in both its forms, and bootstrap tokens', async () => {
    const groups = ['system:bootstrappers', 'system:bootstrappers:mk8s:join', 'system:authenticated']
    expect((await bearer('joinsecret')).groups).toEqual(groups)
    expect((await bearer(`K10${'a'.repeat(64)}::server:joinsecret`)).groups).toEqual(groups)
    await expect(bearer('joinsecre')).rejects.toThrow('Unauthorized')
    const data = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', 'expiration': '2026-06-02T00:00:00Z', 'auth-extra-groups': 'system:bootstrappers:x,evil' }
    const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
    reader.put(secrets, { metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data: encoded })
    expect(await bearer('abcdef.0123456789abcdef')).toEqual({ name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:x', 'system:authenticated'] })
    clock.advance(2 * day)
    await expect(bearer('abcdef.0123456789abcdef')).rejects.toThrow('Unauthorized')
  })
})

describe('certificates', () => {
  const shown = async (authority: keyof typeof authorities, commonName: string): Promise<Credentials['clientCertificate']> => {
    const pair = await issueIdentity({ authority: authorities[authority], commonName, organizations: ['devs'], usages: ['clientAuth'], notAfter: clock.now() + day })
    const certificate = new X509Certificate(pair.certificate)
    return { subject: subjectOf(certificate), raw: certificate.raw }
  }

  it('name user and groups, while they are valid and ours', async () => {
    const clientCertificate = await shown('client', 'ann')
    expect(await authentication.authenticate({ headers: {}, clientCertificate })).toMatchObject({ name: 'ann', groups: ['devs', 'system:authenticated'] })
    expect((await authentication.authenticate({ headers: {}, clientCertificate: await shown('proxy', 'ann') })).name).toBe('system:anonymous')
    clock.advance(2 * day)
    expect((await authentication.authenticate({ headers: {}, clientCertificate })).name).toBe('system:anonymous')
  })

  it('let the front proxy, and nobody else, speak for others', async () => {
    const headers = { 'x-remote-user': 'bob', 'x-remote-group': 'a, b', 'x-remote-extra-scope%2fx': 'y' }
    expect(await authentication.authenticate({ headers, clientCertificate: await shown('proxy', 'system:auth-proxy') })).toEqual({
      name: 'bob', groups: ['a', 'b', 'system:authenticated'], extra: { 'scope/x': ['y'] },
    })
    expect((await authentication.authenticate({ headers, clientCertificate: await shown('proxy', 'other') })).name).toBe('system:anonymous')
    expect((await authentication.authenticate({ headers, clientCertificate: await shown('client', 'system:auth-proxy') })).name).toBe('system:auth-proxy')
  })
})

describe('impersonation', () => {
  const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }
  const asked: string[] = []
  const authorizer: Authorizer = {
    authorize: ({ verb, resource, subresource, name }) => {
      asked.push(`${verb} ${resource}${subresource && `/${subresource}`} ${name}`)
      return { verdict: name === 'root' ? 'no-opinion' : 'allow', reason: '' }
    },
  }
  const as = (headers: Record<string, string>) => impersonate({ user: ann, headers, authorizer })

  it('asks for each part and gives the wanted identity', () => {
    expect(as({})).toBe(ann)
    expect(as({ 'impersonate-user': 'bob', 'impersonate-group': 'g', 'impersonate-extra-a': 'b', 'impersonate-uid': 'u' })).toEqual({ name: 'bob', uid: 'u', groups: ['g', 'system:authenticated'], extra: { a: ['b'] } })
    expect(asked).toEqual(['impersonate users bob', 'impersonate groups g', 'impersonate userextras/a b', 'impersonate uids u'])
    expect(as({ 'impersonate-user': 'system:serviceaccount:shop:web' }).groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'])
    expect(as({ 'impersonate-user': 'system:anonymous' }).groups).toEqual(['system:unauthenticated'])
    expect(() => as({ 'impersonate-user': 'root' })).toThrow('users "root" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope')
    expect(() => as({ 'impersonate-group': 'g' })).toThrow('without impersonating a user')
  })
})

describe('OpenID discovery', () => {
  it('offers the key that tokens name', () => {
    const documents = openIdDocuments({ issuer, externalUrl: 'https://10.0.0.5:6443', publicKeys: [publicKey] })
    const header = JSON.parse(Buffer.from(sign({}).split('.')[0]!, 'base64url').toString())
    const keySet = JSON.parse(documents.get('/openid/v1/jwks')!.body)
    expect(keySet.keys).toMatchObject([{ use: 'sig', kty: 'EC', crv: 'P-256', alg: header.alg, kid: header.kid }])
    expect(JSON.parse(documents.get('/.well-known/openid-configuration')!.body)).toMatchObject({ issuer, jwks_uri: 'https://10.0.0.5:6443/openid/v1/jwks' })
  })
})
