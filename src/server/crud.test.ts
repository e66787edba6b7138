// Every kind, through the one generic store: created, read, changed, listed, watched, deleted.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiVersionOf } from '../api/object.ts'
import type { ResourceDefinition } from '../api/resource.ts'
import { loadX509 } from '../pki/x509.ts'
import { builtinResources } from '../api/resources/index.ts'
import { minimalObjects } from './testing/minimal-objects.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  await api.request('POST /api/v1/namespaces', { body: { metadata: { name: 't' } } })
})
afterAll(() => api.close())

const stored = builtinResources.filter((d) => !d.verbs || d.verbs.includes('create') && d.verbs.includes('list'))
const cases = stored.flatMap((definition) => definition.versions.map((version) => [`${apiVersionOf({ group: definition.group, version: version.name })} ${definition.plural}`, definition, version.name] as const))

async function objectFor(definition: ResourceDefinition): Promise<{ name: string; fields: object }> {
  const { name = 'crud', ...fields } = minimalObjects[definition.group ? `${definition.plural}.${definition.group}` : definition.plural] ?? {}
  if (definition.plural !== 'certificatesigningrequests') return { name, fields }
  const { Pkcs10CertificateRequestGenerator } = await loadX509()
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys: { publicKey, privateKey }, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } })
  return { name, fields: { spec: { request: Buffer.from(request.toString('pem')).toString('base64'), signerName: 'example.com/s', usages: ['client auth'] } } }
}

describe.each(cases)('%s', (_title, definition, version) => {
  const base = `${definition.group ? `/apis/${definition.group}` : '/api'}/${version}${definition.namespaced ? '/namespaces/t' : ''}/${definition.plural}`
  const apiVersion = apiVersionOf({ group: definition.group, version })

  it('is created, read, patched, updated, listed, watched and deleted', async () => {
    const { name, fields } = await objectFor(definition)
    const created = await api.request(`POST ${base}`, { body: { apiVersion, kind: definition.kind, metadata: { name }, ...fields } })
    expect(created.body).toMatchObject({ kind: definition.kind, apiVersion, metadata: { name, uid: expect.any(String) } })
    expect(created.status).toBe(201)
    expect((await api.request(`POST ${base}`, { body: { metadata: { name }, ...fields } })).body.reason).toBe('AlreadyExists')
    expect((await api.request(`GET ${base}/${name}`)).body).toEqual(created.body)

    const unchanged = await api.request(`PUT ${base}/${name}`, { body: created.body })
    expect(unchanged.body).toEqual(created.body)

    const patched = await api.request(`PATCH ${base}/${name}`, { body: { metadata: { labels: { crud: 'yes' } } }, contentType: 'application/merge-patch+json' })
    expect(patched.body.metadata).toMatchObject({ labels: { crud: 'yes' }, uid: created.body.metadata!.uid })
    const applied = await api.request(`PATCH ${base}/${name}?fieldManager=m`, { body: { apiVersion, kind: definition.kind, metadata: { name, labels: { applied: 'yes' } } }, contentType: 'application/apply-patch+yaml' })
    expect(applied.body.metadata).toMatchObject({ labels: { crud: 'yes', applied: 'yes' } })

    const list = await api.request(`GET ${base}?labelSelector=crud%3Dyes&fieldSelector=metadata.name%3D${name}`)
    expect(list.body).toMatchObject({ kind: `${definition.kind}List`, apiVersion, items: [{ metadata: { name } }] })
    const table = await api.request(`GET ${base}`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
    expect(table.body.kind).toBe('Table')

    const events = api.watch(`${base}?watch=1&resourceVersion=${created.body.metadata!.resourceVersion}&fieldSelector=metadata.name%3D${name}&timeoutSeconds=60`)
    expect((await api.request(`DELETE ${base}/${name}?gracePeriodSeconds=0`)).status).toBe(200)
    const seen: string[] = []
    for await (const { type, object } of events) {
      expect(object).toMatchObject({ kind: definition.kind, apiVersion, metadata: { name } })
      seen.push(type)
      if (type === 'DELETED' || object.metadata!.deletionTimestamp) break
    }
    expect(seen.slice(0, 2)).toEqual(['MODIFIED', 'MODIFIED'])
  })
})
