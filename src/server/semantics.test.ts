// What a client sees, compared with what Kubernetes v1.36 answered.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let api: TestServer
const configMaps = '/api/v1/namespaces/t/configmaps'
const pods = '/api/v1/namespaces/t/pods'
const pod = (name: string, more: object = {}) => ({ metadata: { name, ...more }, spec: { containers: [{ name: 'c', image: 'i' }] } })
const merge = 'application/merge-patch+json'

beforeAll(async () => {
  api = await startTestServer()
  await api.request('POST /api/v1/namespaces', { body: { metadata: { name: 't' } } })
})
afterAll(() => api.close())

describe('refusals', () => {
  const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'x' } }
  const cases: [string, object | undefined, number, string, string][] = [
    [`GET ${pods}/x`, undefined, 404, 'NotFound', 'pods "x" not found'],
    [`GET ${pods}/x/constructor`, undefined, 404, 'NotFound', 'the server could not find the requested resource'],
    [`GET ${pods}?fieldSelector=constructor%3Dx`, undefined, 400, 'BadRequest', 'field label not supported: constructor'],
    [`PATCH ${configMaps}/x`, { body: {}, contentType: 'constructor' }, 415, 'UnsupportedMediaType', '415: Unsupported Media Type'],
    ['GET /api/v1/foos', undefined, 404, 'NotFound', 'the server could not find the requested resource'],
    ['GET /apis/apps/v2', undefined, 404, 'NotFound', 'the server could not find the requested resource'],
    [`POST ${pods}`, { body: { ...body, kind: 'ConfigMap' } }, 400, 'BadRequest', 'ConfigMap in version "v1" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion'],
    [`POST ${pods}`, { body: { apiVersion: 'v2', kind: 'Pod' } }, 400, 'BadRequest',
      'Pod in version "v2" cannot be handled as a Pod: no kind "Pod" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"'],
    [`POST ${configMaps}`, { body: '{"metadata":{"name":"n' }, 400, 'BadRequest',
      'the object provided is unrecognized (must be of type ConfigMap): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"metadata":{"name":"n)'],
    [`POST ${configMaps}`, { body: { kind: 'ConfigMap', apiVersion: 'v1' } }, 422, 'Invalid', 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    [`POST ${configMaps}`, { body: { ...body, metadata: { name: 'a', namespace: 'other' } } }, 400, 'BadRequest', 'the namespace of the provided object does not match the namespace sent on the request'],
    [`POST ${configMaps}?fieldValidation=Strict`, { body: { ...body, metadata: { name: 'a', foo: 1 }, bar: 2 } }, 400, 'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.foo", unknown field "bar"'],
    [`POST ${configMaps}?dryRun=x&fieldValidation=no`, { body }, 422, 'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: [dryRun: Unsupported value: ["x"]: supported values: "All", fieldValidation: Unsupported value: "no": supported values: "", "Ignore", "Strict", "Warn"]'],
    [`POST ${configMaps}`, { body, contentType: 'text/foo' }, 415, 'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    [`PATCH ${configMaps}/x`, { body, contentType: 'text/plain' }, 415, 'UnsupportedMediaType', '415: Unsupported Media Type'],
    ['PATCH /apis/coordination.k8s.io/v1/namespaces/t/leases/nope', { body: {}, contentType: merge }, 404, 'NotFound', 'leases.coordination.k8s.io "nope" not found'],
    [`PUT ${configMaps}/nope`, { body: { ...body, metadata: { name: 'nope' } } }, 404, 'NotFound', 'configmaps "nope" not found'],
    [`PUT ${configMaps}/other`, { body }, 400, 'BadRequest', 'the name of the object (x) does not match the name on the URL (other)'],
    [`PUT ${configMaps}`, { body }, 405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    [`POST ${configMaps}/x`, { body }, 405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    [`GET ${pods}?fieldSelector=spec.foo%3Dx`, undefined, 400, 'BadRequest', 'field label not supported: spec.foo'],
    [`GET ${pods}?resourceVersionMatch=Exact`, undefined, 422, 'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [`DELETE ${configMaps}/x`, undefined, 404, 'NotFound', 'configmaps "x" not found'],
  ]
  it.each(cases)('%s', async (line, options, status, reason, message) => {
    expect((await api.request(line, options)).body).toMatchObject({ kind: 'Status', status: 'Failure', code: status, reason, message })
  })

  it('answers what is no API with text', async () => {
    for (const path of ['/foo', '/apis/foo/v1/bars']) expect(await api.request(`GET ${path}`)).toMatchObject({ status: 404, text: '404 page not found\n' })
  })

  it('names who may not do what', async () => {
    const closed = await startTestServer({ createAuthorizer: () => ({ authorize: () => ({ verdict: 'no-opinion', reason: '' }) }) })
    const user = { name: 'x', groups: [] }
    expect((await closed.request('GET /api/v1/namespaces/y/pods', { user })).body).toMatchObject({
      code: 403, reason: 'Forbidden', message: 'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "y"', details: { kind: 'pods' },
    })
    expect((await closed.request('GET /metrics', { user })).body.message).toBe('forbidden: User "x" cannot get path "/metrics"')
    await closed.close()
  })
})

describe('metadata', () => {
  it('is the server\'s: uid, times and revision of the client are ignored in a create', async () => {
    const { status, body } = await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'meta', uid: 'mine', creationTimestamp: '2000-01-01T00:00:00Z', resourceVersion: '7', generation: 5 } } })
    expect(status).toBe(201)
    expect(body.metadata).toMatchObject({ name: 'meta', namespace: 't', uid: expect.stringMatching(/^[0-9a-f-]{36}$/), resourceVersion: expect.stringMatching(/^\d+$/) })
    expect(body.metadata!.generation).toBeUndefined()
    expect(body.metadata!.creationTimestamp).not.toBe('2000-01-01T00:00:00Z')
  })

  it('gives a generated name of five more letters', async () => {
    const { body } = await api.request(`POST ${configMaps}`, { body: { metadata: { generateName: 'gen-' } } })
    expect(body.metadata!.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  it('writes nothing when an update changes nothing', async () => {
    const { body } = await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'same' }, data: { b: '1', a: '2' } } })
    const again = await api.request(`PUT ${configMaps}/same`, { body: { metadata: { name: 'same' }, data: { a: '2', b: '1' } } })
    expect(again.body.metadata!.resourceVersion).toBe(body.metadata!.resourceVersion)
  })

  it('refuses an update of an older revision and of another uid', async () => {
    const { body } = await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'raced' } } })
    await api.request(`PATCH ${configMaps}/raced`, { body: { data: { a: 'b' } }, contentType: merge })
    expect((await api.request(`PUT ${configMaps}/raced`, { body })).body).toMatchObject({
      code: 409, reason: 'Conflict',
      message: 'Operation cannot be fulfilled on configmaps "raced": the object has been modified; please apply your changes to the latest version and try again',
    })
    const foreign = await api.request(`PUT ${configMaps}/raced`, { body: { metadata: { name: 'raced', uid: 'x' } } })
    expect(foreign.body.message).toContain('Precondition failed: UID in precondition: x, UID in object meta: ')
  })

  it('raises the generation with the spec only', async () => {
    const deployments = '/apis/apps/v1/namespaces/t/deployments'
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const created = await api.request(`POST ${deployments}`, { body: { metadata: { name: 'gen' }, spec: { selector: { matchLabels: { a: 'b' } }, template } } })
    expect(created.body.metadata!.generation).toBe(1)
    const labelled = await api.request(`PATCH ${deployments}/gen`, { body: { metadata: { labels: { x: 'y' } } }, contentType: merge })
    expect(labelled.body.metadata!.generation).toBe(1)
    const status = await api.request(`PATCH ${deployments}/gen/status`, { body: { spec: { replicas: 9 }, status: { replicas: 1 } }, contentType: merge })
    expect(status.body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 1 } })
    const scaled = await api.request(`PATCH ${deployments}/gen/scale`, { body: { spec: { replicas: 3 } }, contentType: merge })
    expect(scaled.body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 3 }, status: { selector: 'a=b' } })
    expect((await api.request(`GET ${deployments}/gen`)).body.metadata!.generation).toBe(2)
  })

  it('keeps nothing of a dry run', async () => {
    expect((await api.request(`POST ${configMaps}?dryRun=All`, { body: { metadata: { name: 'dry' } } })).status).toBe(201)
    expect((await api.request(`GET ${configMaps}/dry`)).status).toBe(404)
  })

  it('warns of unknown fields by default', async () => {
    const { headers, body } = await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'warned' }, bar: 'x"y' } })
    expect(headers.warning).toEqual(['299 - "unknown field \\"bar\\""'])
    expect(body.bar).toBeUndefined()
  })
})

describe('deletion', () => {
  it('answers with a Status, or with the object where upstream does', async () => {
    await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'gone' } } })
    const status = await api.request(`DELETE ${configMaps}/gone`)
    expect(status.body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'gone', kind: 'configmaps', uid: expect.any(String) } })
    await api.request('POST /api/v1/namespaces/t/serviceaccounts', { body: { metadata: { name: 'gone' } } })
    expect((await api.request('DELETE /api/v1/namespaces/t/serviceaccounts/gone')).body.kind).toBe('ServiceAccount')
  })

  it('waits for finalizers', async () => {
    await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'held', finalizers: ['example.com/a'] } } })
    const deleted = await api.request(`DELETE ${configMaps}/held`)
    expect(deleted.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, deletionTimestamp: expect.any(String) })
    expect((await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'held' } } })).body.message).toBe('object is being deleted: configmaps "held" already exists')
    const more = await api.request(`PATCH ${configMaps}/held`, { body: { metadata: { finalizers: ['example.com/a', 'example.com/b'] } }, contentType: merge })
    expect(more.body.message).toContain('no new finalizers can be added if the object is being deleted')
    await api.request(`PATCH ${configMaps}/held`, { body: { metadata: { finalizers: null } }, contentType: merge })
    expect((await api.request(`GET ${configMaps}/held`)).status).toBe(404)
  })

  it.each([['Foreground', 'foregroundDeletion'], ['Orphan', 'orphan']])('%s leaves it to the garbage collector', async (propagationPolicy, finalizer) => {
    const name = propagationPolicy.toLowerCase()
    await api.request(`POST ${configMaps}`, { body: { metadata: { name } } })
    expect((await api.request(`DELETE ${configMaps}/${name}`, { body: { propagationPolicy } })).body.metadata!.finalizers).toEqual([finalizer])
  })

  it('gives a running pod its grace, which may only become shorter', async () => {
    await api.request(`POST ${pods}`, { body: { ...pod('graceful'), spec: { ...pod('').spec, nodeName: 'n' } } })
    expect((await api.request(`DELETE ${pods}/graceful`)).body.metadata!.deletionGracePeriodSeconds).toBe(30)
    expect((await api.request(`DELETE ${pods}/graceful`, { body: { gracePeriodSeconds: 60 } })).body.metadata!.deletionGracePeriodSeconds).toBe(30)
    expect((await api.request(`DELETE ${pods}/graceful`, { body: { gracePeriodSeconds: 5 } })).body.metadata!.deletionGracePeriodSeconds).toBe(5)
    await api.request(`DELETE ${pods}/graceful?gracePeriodSeconds=0`)
    expect((await api.request(`GET ${pods}/graceful`)).status).toBe(404)
  })

  it('ends a pod without a node at once', async () => {
    await api.request(`POST ${pods}`, { body: pod('unplaced') })
    await api.request(`DELETE ${pods}/unplaced`)
    expect((await api.request(`GET ${pods}/unplaced`)).status).toBe(404)
  })

  it('checks preconditions', async () => {
    await api.request(`POST ${configMaps}`, { body: { metadata: { name: 'guarded' } } })
    const refused = await api.request(`DELETE ${configMaps}/guarded`, { body: { preconditions: { uid: 'x' } } })
    expect(refused.body).toMatchObject({ code: 409, message: expect.stringMatching(/^Operation cannot be fulfilled on ConfigMap "guarded": the UID in the precondition \(x\) does not match the UID in record/) })
  })

  it('takes a collection by label and answers what it took', async () => {
    for (const name of ['c1', 'c2']) await api.request(`POST ${configMaps}`, { body: { metadata: { name, labels: { set: 'c' } } } })
    const { body } = await api.request(`DELETE ${configMaps}?labelSelector=set%3Dc`)
    expect(body).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'c1' } }, { metadata: { name: 'c2' } }] })
    expect((await api.request(`GET ${configMaps}?labelSelector=set%3Dc`)).body.items).toEqual([])
  })

  it('ends a namespace when its finalizers are gone', async () => {
    await api.request('POST /api/v1/namespaces', { body: { metadata: { name: 'ending' } } })
    const { body } = await api.request('DELETE /api/v1/namespaces/ending')
    expect(body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } })
    await api.request('PUT /api/v1/namespaces/ending/finalize', { body: { ...body, spec: {} } })
    expect((await api.request('GET /api/v1/namespaces/ending')).status).toBe(404)
  })
})

describe('health', () => {
  it('is told check by check, and readiness ends with the watches', async () => {
    const own = await startTestServer()
    expect((await own.request('GET /livez?verbose&exclude=log')).text).toBe('[+]ping ok\n[+]log excluded: ok\n[+]etcd ok\nlivez check passed\n')
    expect(await own.request('GET /readyz/shutdown')).toMatchObject({ status: 200, text: 'ok' })
    expect(await own.request('GET /livez/nope')).toMatchObject({ status: 404, text: '404 page not found\n' })
    own.server.endWatches()
    expect(await own.request('GET /readyz')).toMatchObject({ status: 500, text: '[+]ping ok\n[+]log ok\n[+]etcd ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n' })
    expect(await own.request('GET /livez')).toMatchObject({ status: 200, text: 'ok' })
    await own.close()
  })
})

describe('pods', () => {
  it('are bound once', async () => {
    await api.request(`POST ${pods}`, { body: pod('bound') })
    const bind = () => api.request(`POST ${pods}/bound/binding`, { body: { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n1' } } })
    expect(await bind()).toMatchObject({ status: 201, body: { status: 'Success' } })
    expect((await api.request(`GET ${pods}/bound`)).body).toMatchObject({ spec: { nodeName: 'n1' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } })
    expect((await bind()).body).toMatchObject({ code: 409, message: 'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "n1"' })
  })

  it('are evicted as their budget allows', async () => {
    const budgets = '/apis/policy/v1/namespaces/t/poddisruptionbudgets'
    await api.request(`POST ${budgets}`, { body: { metadata: { name: 'pdb' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'kept' } } } } })
    await api.request(`POST ${pods}`, { body: { ...pod('kept', { labels: { app: 'kept' } }), spec: { ...pod('').spec, nodeName: 'n' } } })
    await api.request(`PATCH ${pods}/kept/status`, { body: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }, contentType: merge })
    const evict = () => api.request(`POST ${pods}/kept/eviction`, { body: { metadata: { name: 'kept' } } })
    await api.request(`PATCH ${budgets}/pdb/status`, { body: { status: { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 } }, contentType: merge })
    expect((await evict()).body).toMatchObject({
      code: 429, reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget pdb needs 1 healthy pods and has 1 currently' }] },
    })
    await api.request(`PATCH ${budgets}/pdb/status`, { body: { status: { disruptionsAllowed: 1 } }, contentType: merge })
    const asOlderClientsDo = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'kept' } }
    expect(await api.request(`POST ${pods}/kept/eviction`, { body: asOlderClientsDo })).toMatchObject({ status: 201, body: { status: 'Success' } })
    expect((await api.request(`GET ${budgets}/pdb`)).body.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { kept: expect.any(String) } })
    expect((await api.request(`GET ${pods}/kept`)).body.metadata!.deletionTimestamp).toBeDefined()
  })
})
