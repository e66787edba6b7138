import { expect, test } from 'vitest'
import { type ResourceDefinition, defineResource } from '../resource.ts'
import { encodeOpenApiV2, openApiV2Document, openApiV3Document, openApiV3Index } from './index.ts'

const kind = (group: string, name: string, plural: string, schema: string): ResourceDefinition =>
  defineResource({
    group, kind: name, plural, singular: name.toLowerCase(), namespaced: true, versions: [{ name: 'v1', schema }], storageVersion: 'v1', columns: [],
    subresources: { status: { prepareForUpdate() {} } },
    ...(name === 'Deployment' ? { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', selector: () => '' } } : {}),
  })
const definitions = [kind('apps', 'Deployment', 'deployments', 'io.k8s.api.apps.v1.Deployment'), kind('', 'Pod', 'pods', 'io.k8s.api.core.v1.Pod')]

/** Every `$ref` in the document leads somewhere. */
function danglingReferences(document: unknown): string[] {
  const found: string[] = []
  JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') {
      const target = value.slice(2).split('/').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document)
      if (target === undefined) found.push(value)
    }
    return value
  })
  return found
}

interface Document {
  paths: Record<string, Record<string, { operationId: string; 'x-kubernetes-group-version-kind': object; parameters: { name: string }[]; requestBody: { content: object } }>>
  components: { schemas: Record<string, { description?: string; required?: string[]; properties: Record<string, object> }> }
}

test('a version 3 document describes what is served', async () => {
  const document = (await openApiV3Document({ group: 'apps', version: 'v1', definitions })) as unknown as Document
  expect(danglingReferences(document)).toEqual([])
  expect(Object.keys(document.paths)).toEqual([
    '/apis/apps/v1/deployments', '/apis/apps/v1/namespaces/{namespace}/deployments', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
    '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status',
  ])
  const patch = document.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']!.patch!
  expect(patch).toMatchObject({ operationId: 'patchAppsV1NamespacedDeployment', 'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' } })
  expect(patch.parameters.map((p) => p.name)).toContain('fieldValidation')
  expect(Object.keys(patch.requestBody.content)).toContain('application/strategic-merge-patch+json')
  const { schemas } = document.components
  expect(schemas['io.k8s.api.apps.v1.DeploymentSpec']).toMatchObject({
    required: ['selector', 'template'],
    properties: {
      replicas: { type: 'integer', format: 'int32' }, selector: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector' }] },
      strategy: { default: {}, 'x-kubernetes-patch-strategy': 'retainKeys' },
    },
  })
  expect(schemas['io.k8s.api.core.v1.Container']!.properties.ports).toMatchObject({
    type: 'array', items: { default: {}, allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' }] },
    'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], 'x-kubernetes-list-type': 'map', 'x-kubernetes-patch-merge-key': 'containerPort', 'x-kubernetes-patch-strategy': 'merge',
  })
  expect(schemas['io.k8s.api.apps.v1.Deployment']!.description).toBeTruthy()
  // clients show the text of a field and of its type, one after the other
  const texts = (name: string, field: string) => [(schemas[name]!.properties[field] as { description?: string }).description, schemas[`io.k8s.api.core.v1.${field === 'spec' ? 'PodSpec' : 'Container'}`]!.description]
  expect(texts('io.k8s.api.core.v1.PodTemplateSpec', 'spec')).toEqual([expect.stringContaining('PodSpec'), undefined])
  expect(texts('io.k8s.api.core.v1.PodSpec', 'containers')).toEqual([expect.stringContaining('List of containers'), expect.stringContaining('application container')])
  expect(await openApiV3Document({ group: 'apps', version: 'v2', definitions })).toBeUndefined()
})

test('the index changes with the build and with the kinds', () => {
  const hash = (of: typeof definitions, build: string) => openApiV3Index(of, build).paths['apis/apps/v1']?.serverRelativeURL
  expect(hash(definitions, 'a')).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/)
  expect(hash(definitions, 'b')).not.toBe(hash(definitions, 'a'))
  expect(hash([...definitions, kind('apps', 'ReplicaSet', 'replicasets', 'io.k8s.api.apps.v1.ReplicaSet')], 'a')).not.toBe(hash(definitions, 'a'))
})

test('the version 2 document, and its protobuf form', async () => {
  const document = await openApiV2Document(definitions)
  expect(danglingReferences(document)).toEqual([])
  expect(document.definitions['io.k8s.api.apps.v1.Deployment']).toMatchObject({ 'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }] })
  const bytes = await encodeOpenApiV2(document)
  // swagger = 1, info = 2 with title = 1 and version = 2
  expect(bytes.subarray(0, 28).toString('latin1')).toBe('\n\x032.0\x12\x15\n\nKubernetes\x12\x07v1.36.0')
  expect(bytes.length).toBeGreaterThan(100_000)
})
