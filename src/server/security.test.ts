import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import type { AuthenticationV1TokenRequest as TokenRequest, SelfSubjectAccessReview, SelfSubjectReview, TokenReview } from '../api/generated/types.ts'
import { clusterroles, namespaces, pods, roles, secrets, serviceaccounts } from '../api/refs.ts'
import { builtinResources } from '../api/resources/index.ts'
import { apiServerUser, nodeUser, serviceAccountUser } from '../api/user.ts'
import type { UserInfo } from '../api/user.ts'
import type { Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { LoopbackTransport } from '../client/loopback-transport.ts'
import { ensureServerPki } from '../pki/server-pki.ts'
import { MemoryStorage } from '../storage/memory.ts'
import { createApiServer } from './api-server.ts'
import type { ApiServer } from './api-server.ts'
import type { Authentication } from './authentication/authentication.ts'
import { createSecurity, type Security } from './security.ts'

let server: ApiServer
let authentication: Authentication
let security: Security
let directory: string
const as = (user: UserInfo): Client => createClient(new LoopbackTransport(server, user))

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'security-'))
  const pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n1', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  security = createSecurity({ pki, issuer: 'https://kubernetes.default.svc.cluster.local', clock: systemClock, client: () => as(apiServerUser) })
  server = await createApiServer({ storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log: silentLogger, ...security })
  authentication = security.createAuthentication(server.reader)
  const admin = as(apiServerUser)
  for (const name of ['kube-system', 'kube-public', 'default', 'shop']) await admin.resource(namespaces).create({ metadata: { name } })
  await security.reconcile(admin)
})
afterAll(() => {
  server?.stop()
  rmSync(directory, { recursive: true })
})

describe('a secured server', () => {
  it('has the bootstrap roles, restores what is taken from them, and leaves additions alone', async () => {
    const admin = as(apiServerUser).resource(clusterroles)
    const before = await admin.get('system:basic-user')
    const extra = { verbs: ['get'], apiGroups: ['x'], resources: ['y'] }
    await admin.update({ ...before, rules: [extra] })
    await admin.delete('system:discovery')
    await security.reconcile(as(apiServerUser))
    const rules = (await admin.get('system:basic-user')).rules!
    expect(rules[0]).toEqual(extra)
    expect(rules.slice(1).length).toBeGreaterThan(1)
    await admin.get('system:discovery')
    const { metadata } = await admin.get('system:node')
    await security.reconcile(as(apiServerUser))
    expect((await admin.get('system:node')).metadata.resourceVersion).toBe(metadata.resourceVersion)
  })

  it('lets a pod use its own token for what RBAC grants, and no more', async () => {
    const admin = as(apiServerUser)
    await admin.resource(serviceaccounts, 'shop').create({ metadata: { name: 'default', namespace: 'shop' } })
    await admin.resource(secrets, 'shop').create({ metadata: { name: 'key', namespace: 'shop' } })
    const pod = await admin.resource(pods, 'shop').create({ metadata: { name: 'web', namespace: 'shop' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'x' }] } })
    const kubelet = as(nodeUser('n1'))
    const request = (uid: string): TokenRequest => ({ spec: { audiences: [], expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid } } })
    await expect(kubelet.resource(serviceaccounts, 'shop').createSubresource('default', 'token', request('other'))).rejects.toThrow('does not match the UID in record')
    await expect(as(nodeUser('n2')).resource(serviceaccounts, 'shop').createSubresource('default', 'token', request(pod.metadata.uid))).rejects.toThrow("no relationship found between node 'n2' and this object")
    const { status } = await kubelet.resource(serviceaccounts, 'shop').createSubresource<TokenRequest>('default', 'token', request(pod.metadata.uid))
    const user = await authentication.authenticate({ headers: { authorization: `Bearer ${status!.token}` } })
    expect(user).toMatchObject({ name: 'system:serviceaccount:shop:default', extra: { 'authentication.kubernetes.io/pod-name': ['web'] } })
    await expect(as(user).resource(secrets, 'shop').get('key')).rejects.toThrow('secrets "key" is forbidden: User "system:serviceaccount:shop:default" cannot get resource "secrets" in API group "" in the namespace "shop"')
    const reviewed = await kubelet.request<TokenReview>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: status!.token! } })
    expect(reviewed.status).toMatchObject({ authenticated: true, user: { username: user.name } })
    await admin.resource(pods, 'shop').delete('web', { gracePeriodSeconds: 0 })
    await expect(authentication.authenticate({ headers: { authorization: `Bearer ${status!.token}` } })).rejects.toThrow('Unauthorized')
  })

  it('tells who one is and what one may', async () => {
    const ann = as({ name: 'ann', groups: ['system:authenticated'] })
    const self = await ann.request<SelfSubjectReview>('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' })
    expect(self.status?.userInfo).toEqual({ username: 'ann', groups: ['system:authenticated'] })
    const asked = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
    expect((await ann.request<SelfSubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', asked)).status).toEqual({ allowed: false })
  })

  it('offers the keys of its tokens to those who may ask', async () => {
    security.addOpenIdPaths(server.paths, () => 'https://10.0.0.5:6443')
    const path = '/.well-known/openid-configuration'
    expect(await as(serviceAccountUser('shop', 'default')).request('GET', path)).toMatchObject({ jwks_uri: 'https://10.0.0.5:6443/openid/v1/jwks' })
    await expect(as({ name: 'system:anonymous', groups: ['system:unauthenticated'] }).request('GET', path)).rejects.toThrow('cannot get path')
  })

  it('gives each controller its own rights', async () => {
    const aggregator = as(serviceAccountUser('kube-system', 'clusterrole-aggregation-controller'))
    await aggregator.resource(clusterroles).list()
    await expect(aggregator.resource(roles, 'shop').list()).rejects.toThrow('roles.rbac.authorization.k8s.io is forbidden')
  })
})
