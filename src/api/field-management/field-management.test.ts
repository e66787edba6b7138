import { describe, expect, test } from 'vitest'
import type { Deployment, ManagedFieldsEntry } from '../generated/types.ts'
import type { KubeObject } from '../object.ts'
import { applyDefaults, decodeStrict, schemas } from '../schema/index.ts'
import { StatusError } from '../status-error.ts'
import { serverSideApply, trackUpdate } from './index.ts'

// What is expected here was seen on a v1.36 API server.
const configMap = schemas.definition('io.k8s.api.core.v1.ConfigMap')
const deployment = schemas.definition('io.k8s.api.apps.v1.Deployment')
const earlier = '2026-01-01T00:00:00Z'
const later = '2026-01-01T00:01:00Z'

type ConfigMap = KubeObject & { data?: Record<string, string> }
const cm = (data: Record<string, unknown> | undefined, metadata: object = {}): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', ...metadata }, ...(data ? { data } : {}) }) as ConfigMap

const shown = (entries: ManagedFieldsEntry[] | undefined) =>
  (entries ?? []).map((e) => `${e.manager} ${e.operation} ${e.apiVersion}${e.subresource ? ` ${e.subresource}` : ''} ${JSON.stringify(e.fieldsV1)}`)

const apply = (live: ConfigMap | undefined, manager: string, applied: ConfigMap, force = false) =>
  serverSideApply<ConfigMap>({ live, applied, manager, apiVersion: 'v1', force, subresource: '', time: live ? later : earlier, schema: configMap })

const update = (before: ConfigMap | undefined, manager: string, after: ConfigMap): ConfigMap => {
  const managedFields = trackUpdate({ before, after, manager, apiVersion: 'v1', subresource: '', time: before ? later : earlier, schema: configMap })
  const { managedFields: _, ...metadata } = after.metadata ?? {}
  return { ...after, metadata: managedFields ? { ...metadata, managedFields } : metadata }
}

const refusal = (run: () => unknown): StatusError => {
  try {
    run()
  } catch (error) {
    if (error instanceof StatusError) return error
  }
  throw new Error('was not refused')
}

describe('apply', () => {
  test('creates, changes nothing when repeated, and keeps the time then', () => {
    const created = apply(undefined, 'm1', cm({ a: '1', b: '2' }))
    expect(shown(created.metadata?.managedFields)).toEqual(['m1 Apply v1 {"f:data":{"f:a":{},"f:b":{}}}'])
    expect(apply(created, 'm1', cm({ a: '1', b: '2' }))).toEqual(created)
  })

  test('conflicts, and takes by force', () => {
    const created = apply(undefined, 'm1', cm({ a: '1', b: '2' }))
    const { status } = refusal(() => apply(created, 'm2', cm({ a: '2', c: '3' })))
    expect(status).toMatchObject({
      code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "m1": .data.a',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.data.a' }] },
    })
    const forced = apply(created, 'm2', cm({ a: '2', c: '3' }), true)
    expect(forced.data).toEqual({ a: '2', b: '2', c: '3' })
    expect(shown(forced.metadata?.managedFields)).toEqual(['m1 Apply v1 {"f:data":{"f:b":{}}}', 'm2 Apply v1 {"f:data":{"f:a":{},"f:c":{}}}'])
  })

  test('removes what is applied no more and owned by no other', () => {
    const shared = apply(apply(undefined, 'm1', cm({ a: '1', b: '2' })), 'm2', cm({ b: '2', c: '3' }))
    const less = apply(shared, 'm1', cm({}))
    expect(less.data).toEqual({ b: '2', c: '3' })
    expect(apply(less, 'm2', cm(undefined)).data).toBeUndefined()
  })

  test('several conflicts are listed by manager', () => {
    const created = update(update(undefined, 'one', cm({ a: '1', b: '2' })), 'two', cm({ a: '1', b: '3', c: '4' }))
    expect(refusal(() => apply(created, 'm', cm({ a: '9', b: '9', c: '9' }))).message).toBe(
      'Apply failed with 3 conflicts: conflicts with "one" using v1:\n- .data.a\nconflicts with "two" using v1:\n- .data.b\n- .data.c')
  })

  test('an object without managers gets one for what was there before', () => {
    const applied = apply(cm({ k: 'w' }, { uid: 'u' }), 'ap', cm({ k: 'w', l: 'm' }))
    expect(shown(applied.metadata?.managedFields)).toEqual(['ap Apply v1 {"f:data":{"f:k":{},"f:l":{}}}', 'before-first-apply Update v1 {"f:data":{".":{},"f:k":{}}}'])
    expect(refusal(() => apply(applied, 'ap', cm({ k: 'x' }))).message).toBe('Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k')
  })

  test.each([
    [cm({ a: 1 }), 'failed to create typed patch object (/x; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}'],
    [{ ...cm({}), foo: 1 }, 'failed to create typed patch object (/x; /v1, Kind=ConfigMap): .foo: field not declared in schema'],
    [cm({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
    [{ ...cm({}), apiVersion: 'apps/v2' }, 'invalid object type: apps/v2, Kind=ConfigMap'],
    [{ ...cm({}), kind: 'Secret' }, 'invalid object type: /v1, Kind=Secret'],
  ])('what does not fit is refused %#', (applied, expected) => expect(refusal(() => apply(undefined, 'm', applied as ConfigMap)).message).toBe(expected))

  test('kubectl takes over what it applied from the client side', () => {
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
    const before = update(undefined, 'kubectl-client-side-apply', cm({ a: '1', b: '2' }, { annotations: { [annotation]: JSON.stringify(cm({ a: '1', b: '2' })) } }))
    const after = apply(before, 'kubectl', cm({ a: '5', c: '3' }))
    expect(after.data).toEqual({ a: '5', b: '2', c: '3' })
    expect(after.metadata?.annotations?.[annotation]).toBe('{"apiVersion":"v1","data":{"a":"5","c":"3"},"kind":"ConfigMap","metadata":{"name":"x"}}\n')
    const other = update(before, 'other', { ...cm({ a: '7', b: '2' }), metadata: before.metadata })
    expect(refusal(() => apply(other, 'kubectl', cm({ a: '5' }))).message).toBe('Apply failed with 1 conflict: conflict with "other" using v1: .data.a')
  })
})

describe('updates', () => {
  const created = update(undefined, 'cr', cm({ a: '1', b: '2' }, { labels: { x: 'y' }, finalizers: ['a.b/c'] }))

  test('a create owns all it set', () => {
    expect(shown(created.metadata?.managedFields)).toEqual([
      'cr Update v1 {"f:data":{".":{},"f:a":{},"f:b":{}},"f:metadata":{"f:finalizers":{".":{},"v:\\"a.b/c\\"":{}},"f:labels":{".":{},"f:x":{}}}}'])
  })

  test('an update owns what it changed, and keeps the rest and its time', () => {
    const changed = update(created, 'up', cm({ a: '1', b: '3' }, { labels: { x: 'y', z: 'w' }, finalizers: ['a.b/c', 'a.b/d'] }))
    expect(shown(changed.metadata?.managedFields)).toEqual([
      'cr Update v1 {"f:data":{".":{},"f:a":{}},"f:metadata":{"f:finalizers":{".":{},"v:\\"a.b/c\\"":{}},"f:labels":{".":{},"f:x":{}}}}',
      'up Update v1 {"f:data":{"f:b":{}},"f:metadata":{"f:finalizers":{"v:\\"a.b/d\\"":{}},"f:labels":{"f:z":{}}}}'])
    expect(update(changed, 'up', changed)).toEqual(changed)
  })

  test('keys may be named as what every object inherits', () => {
    const odd = update(created, 'up', { ...created, data: { ...created.data, constructor: 'x' } as unknown as Record<string, string> })
    expect(shown(odd.metadata?.managedFields)).toContain('up Update v1 {"f:data":{"f:constructor":{}}}')
    expect(shown(update(odd, 'other', { ...odd, data: created.data }).metadata?.managedFields)).toEqual(shown(created.metadata?.managedFields))
  })

  test('an empty list forgets all managers, for good', () => {
    const forgotten = update(created, 'up', cm({ k: 'v' }, { managedFields: [] }))
    expect(forgotten.metadata?.managedFields).toBeUndefined()
    expect(update(forgotten, 'up', cm({ k: 'w' })).metadata?.managedFields).toBeUndefined()
    expect(decodeStrict(configMap, cm({}, { managedFields: [] })).object.metadata?.managedFields).toEqual([])
  })

  test('no more than ten updaters are kept apart', () => {
    let object = created
    for (let i = 0; i < 12; i++) object = update(object, `m${String.fromCharCode(97 + i)}`, { ...object, data: { ...object.data, [`k${i}`]: 'x' } })
    const entries = shown(object.metadata?.managedFields)
    expect(entries).toHaveLength(10)
    expect(entries[0]).toMatch(/^ancient-changes Update v1 .*"f:a":\{\},"f:b":\{\},"f:k0":\{\},"f:k1"/)
  })
})

test('lists of a deployment merge item by item', () => {
  const base = (container: object, spec: object = {}) => ({
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'i', ...container }] } }, ...spec },
  })
  const run = (live: Deployment | undefined, manager: string, applied: object) =>
    serverSideApply<Deployment>({ live, applied, manager, apiVersion: 'apps/v1', force: false, subresource: '', time: earlier, schema: deployment })
  const first = run(undefined, 'one', base({ ports: [{ containerPort: 443, name: 'tls' }, { containerPort: 80 }], env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }))
  expect(JSON.stringify(first.metadata?.managedFields?.[0]?.fieldsV1)).toBe(
    '{"f:spec":{"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"web\\"}":{".":{},'
    + '"f:env":{"k:{\\"name\\":\\"A\\"}":{".":{},"f:name":{},"f:value":{}},"k:{\\"name\\":\\"B\\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},'
    + '"f:ports":{"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{}},"k:{\\"containerPort\\":443,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{},"f:name":{}}}}}}}}}')
  const second = run(first, 'two', {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' },
    spec: { template: { spec: { containers: [{ name: 'side', image: 's' }, { name: 'web', env: [{ name: 'C', value: '3' }], command: ['x'] }], volumes: [{ name: 'v', emptyDir: {} }] } } },
  })
  const containers = second.spec!.template.spec!.containers
  expect(containers.map((c) => c.name)).toEqual(['side', 'web'])
  expect(containers[1]).toMatchObject({ image: 'i', command: ['x'], env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }, { name: 'C', value: '3' }] })
  const without = run(second, 'two', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } })
  const withoutOwners = (d: Deployment) => ({ ...d, metadata: { ...d.metadata, managedFields: undefined } })
  expect(withoutOwners(without)).toEqual(withoutOwners(first))
  const fewer = run(first, 'one', base({ ports: [{ containerPort: 80 }] }, { selector: { matchLabels: { c: 'd' } } }))
  expect(fewer.spec!.selector).toEqual({ matchLabels: { c: 'd' } })
  expect(fewer.spec!.template.spec!.containers[0]).not.toHaveProperty('env')
})

test('status has its own entry, and spec is not owned through it', () => {
  const draft = decodeStrict<Deployment>(deployment, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1 }, status: { replicas: 9 } }).object
  applyDefaults(deployment, draft)
  const track = (before: Deployment | undefined, after: Deployment, subresource: string) =>
    trackUpdate({ before, after, manager: 'c', apiVersion: 'apps/v1', subresource, time: earlier, schema: deployment })
  const created = { ...draft, metadata: { ...draft.metadata, managedFields: track(undefined, draft, '') } }
  expect(JSON.stringify(created.metadata.managedFields)).not.toContain('f:status')
  const entries = track(created, { ...created, spec: { ...created.spec!, replicas: 5 }, status: { replicas: 2 } }, 'status')
  expect(shown(entries).at(-1)).toBe('c Update apps/v1 status {"f:status":{"f:replicas":{}}}')
})

test.each([{ 'f:data': 'x' }, { data: {} }, { 'k:x': {} }, { 'f:data': null }, 'abc'])('entries that are no sets of fields are forgotten: %j', (fieldsV1) => {
  const managedFields = [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 }] as ManagedFieldsEntry[]
  const created = update(undefined, 'me', cm({ a: 'b' }, { managedFields }))
  expect(shown(created.metadata?.managedFields)).toEqual(['me Update v1 {"f:data":{".":{},"f:a":{}}}'])
})
