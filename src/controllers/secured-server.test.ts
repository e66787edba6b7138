// The controllers that serve security and quotas, against a whole server in memory, each with its own rights.
import { X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { certificatesigningrequests, clusterroles, namespaces, pods, replicasets, resourcequotas, secrets, serviceaccounts, services } from '../api/refs.ts'
import { builtinResources } from '../api/resources/index.ts'
import { apiServerUser, nodeUser, serviceAccountUser } from '../api/user.ts'
import type { UserInfo } from '../api/user.ts'
import { createClient } from '../client/create-client.ts'
import { createInformerFactory } from '../client/informer-factory.ts'
import { LoopbackTransport } from '../client/loopback-transport.ts'
import { subjectOf } from '../pki/inspect.ts'
import { ensureServerPki, type ServerPki } from '../pki/server-pki.ts'
import { createApiServer, type ApiServer } from '../server/api-server.ts'
import type { Authentication } from '../server/authentication/authentication.ts'
import { reconcileBootstrapRbac } from '../server/authorization/reconcile-bootstrap.ts'
import { createSecurity } from '../server/security.ts'
import { MemoryStorage } from '../storage/memory.ts'
import { createTokenSigner } from '../pki/jwt.ts'
import { createCertificateControllers } from './certificates/controller.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation/controller.ts'
import { resourceQuotaController } from './resource-quota/controller.ts'
import { createServiceAccountTokenController } from './service-account-token/controller.ts'

let server: ApiServer
let pki: ServerPki
let authentication: Authentication
let directory: string
const stopping = new AbortController()
let running: Promise<unknown>
const clientFor = (user: UserInfo) => createClient(new LoopbackTransport(server, user))
const eventually = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 10_000, interval: 10 })

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'secured-'))
  pki = await ensureServerPki({ directory, clock: systemClock, nodeName: 'n1', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1' })
  const security = createSecurity({ pki, issuer: 'https://kubernetes.default.svc', clock: systemClock, client: () => clientFor(apiServerUser) })
  server = await createApiServer({ storage: new MemoryStorage({ clock: systemClock }), definitions: builtinResources, clock: systemClock, log: silentLogger, ...security })
  authentication = security.createAuthentication(server.reader)
  const admin = clientFor(apiServerUser)
  for (const name of ['kube-system', 'kube-public', 'shop']) await admin.resource(namespaces).create({ metadata: { name } })
  await admin.resource(serviceaccounts, 'shop').create({ metadata: { name: 'default', namespace: 'shop' } })
  await reconcileBootstrapRbac(admin)
  const informers = createInformerFactory({ client: clientFor({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }), clock: systemClock, log: silentLogger, random: Math.random })
  const environment = { informers, clock: systemClock, log: silentLogger, random: Math.random, clientFor: (name: string) => clientFor(serviceAccountUser('kube-system', name)) }
  const controllers = [...createCertificateControllers({ client: pki.clientCa, server: pki.serverCa }), clusterRoleAggregationController, resourceQuotaController,
    createServiceAccountTokenController({ ca: pki.serverCa.certificate, sign: createTokenSigner(pki.serviceAccountKey.privateKey) })]
  running = Promise.all(controllers.map((controller) => controller.run(environment, stopping.signal)))
})
afterAll(async () => {
  stopping.abort(new Error('done'))
  await running
  server.stop()
  rmSync(directory, { recursive: true })
})

describe('aggregated roles', () => {
  it('collect what is labelled for them', async () => {
    const roles = clientFor(apiServerUser).resource(clusterroles)
    await eventually(async () => expect((await roles.get('view')).rules?.length).toBeGreaterThan(5))
    const rule = { verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] }
    await roles.create({ metadata: { name: 'widgets', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }, rules: [rule] })
    for (const name of ['view', 'edit', 'admin']) await eventually(async () => expect((await roles.get(name)).rules).toContainEqual(rule))
    await roles.delete('widgets')
    await eventually(async () => expect((await roles.get('admin')).rules).not.toContainEqual(rule))
  })
})

describe('certificate requests', () => {
  const request = (subject: string) => {
    const pem = execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(directory, 'k.pem'), '-subj', subject], { encoding: 'utf8', stdio: 'pipe' })
    return Buffer.from(pem).toString('base64')
  }
  const ask = async (user: UserInfo, name: string, spec: { request: string; signerName: string; usages: string[] }) =>
    clientFor(user).resource(certificatesigningrequests).create({ metadata: { name }, spec })
  const certificateOf = async (name: string) => {
    const { status } = await clientFor(apiServerUser).resource(certificatesigningrequests).get(name)
    return new X509Certificate(Buffer.from(status!.certificate!, 'base64'))
  }
  const kubelet = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['digital signature', 'client auth'] }

  it('of joining and renewing nodes are approved and signed', async () => {
    await ask({ name: 'system:bootstrap:mk8s', groups: ['system:bootstrappers:mk8s:join', 'system:authenticated'] }, 'join', { ...kubelet, request: request('/O=system:nodes/CN=system:node:n2') })
    await ask(nodeUser('n1'), 'renew', { ...kubelet, request: request('/O=system:nodes/CN=system:node:n1') })
    for (const [name, node] of [['join', 'n2'], ['renew', 'n1']] as const) {
      const certificate = await eventually(() => certificateOf(name))
      expect(subjectOf(certificate)).toEqual({ commonName: `system:node:${node}`, organizations: ['system:nodes'] })
      expect(certificate.checkIssued(new X509Certificate(pki.clientCa.certificate))).toBe(true)
    }
  })

  it('of others wait for a person, and are signed as their signer allows', async () => {
    const requests = clientFor(apiServerUser).resource(certificatesigningrequests)
    const approve = async (name: string) => {
      const object = await requests.get(name)
      await requests.updateSubresource(name, 'approval', { ...object, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'x', message: 'y' }] } })
    }
    await ask(apiServerUser, 'ann', { request: request('/O=devs/CN=ann'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] })
    await ask(apiServerUser, 'wrong', { request: request('/CN=ann'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['server auth'] })
    await expect(ask(apiServerUser, 'root', { request: request('/O=system:masters/CN=x'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] }))
      .rejects.toThrow('use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed')
    await approve('ann')
    await approve('wrong')
    expect(subjectOf(await eventually(() => certificateOf('ann')))).toEqual({ commonName: 'ann', organizations: ['devs'] })
    await eventually(async () => expect((await requests.get('wrong')).status?.conditions).toContainEqual(expect.objectContaining({ type: 'Failed', reason: 'SignerValidationFailure', message: 'invalid usage for client certificate: server auth' })))
  })
})

describe('token secrets', () => {
  it('get a token that works until the account goes', async () => {
    const admin = clientFor(apiServerUser)
    const [accounts, kept] = [admin.resource(serviceaccounts, 'shop'), admin.resource(secrets, 'shop')]
    await accounts.create({ metadata: { name: 'robot', namespace: 'shop' } })
    await kept.create({ metadata: { name: 'token', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'robot' } }, type: 'kubernetes.io/service-account-token' })
    const { data } = await eventually(async () => {
      const secret = await kept.get('token')
      expect(secret.data?.token).toBeDefined()
      return secret
    })
    expect(Buffer.from(data!.namespace!, 'base64').toString()).toBe('shop')
    const authorization = `Bearer ${Buffer.from(data!.token!, 'base64').toString()}`
    expect((await authentication.authenticate({ headers: { authorization } })).name).toBe('system:serviceaccount:shop:robot')
    await accounts.delete('robot')
    await eventually(() => expect(kept.get('token')).rejects.toThrow('not found'))
    await expect(authentication.authenticate({ headers: { authorization } })).rejects.toThrow('Unauthorized')
  })
})

describe('quotas', () => {
  it('follow what comes and goes, and limit it', async () => {
    const admin = clientFor(apiServerUser)
    const quota = () => admin.resource(resourcequotas, 'shop').get('q')
    const hard = { 'pods': '1', 'requests.cpu': '1', 'services': '2', 'secrets': '3', 'count/replicasets.apps': '4' }
    await admin.resource(secrets, 'shop').create({ metadata: { name: 'early', namespace: 'shop' } })
    await admin.resource(resourcequotas, 'shop').create({ metadata: { name: 'q', namespace: 'shop' }, spec: { hard } })
    const used = { 'pods': '0', 'requests.cpu': '0', 'services': '0', 'secrets': '1', 'count/replicasets.apps': '0' }
    await eventually(async () => expect((await quota()).status).toEqual({ hard, used }))
    const pod = (name: string) => admin.resource(pods, 'shop').create({ metadata: { name, namespace: 'shop' }, spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '500m' } } }] } })
    await pod('a')
    expect((await quota()).status?.used).toMatchObject({ 'pods': '1', 'requests.cpu': '500m' })
    await expect(pod('b')).rejects.toThrow('pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1')
    await admin.resource(services, 'shop').create({ metadata: { name: 's', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } })
    const labels = { a: 'b' }
    await admin.resource(replicasets, 'shop').create({ metadata: { name: 'r', namespace: 'shop' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } } } })
    await eventually(async () => expect((await quota()).status?.used).toEqual({ 'pods': '1', 'requests.cpu': '500m', 'services': '1', 'secrets': '1', 'count/replicasets.apps': '1' }))
    await admin.resource(pods, 'shop').delete('a', { gracePeriodSeconds: 0 })
    await admin.resource(services, 'shop').delete('s')
    await admin.resource(secrets, 'shop').delete('early')
    await admin.resource(replicasets, 'shop').delete('r')
    await eventually(async () => expect((await quota()).status?.used).toEqual({ ...used, secrets: '0' }))
    await pod('b')
  })
})
