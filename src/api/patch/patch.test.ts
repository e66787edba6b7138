import { expect, test } from 'vitest'
import { schemas } from '../schema/index.ts'
import { StatusError } from '../status-error.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch } from './strategic-merge-patch.ts'

const document = { metadata: { labels: { a: 'b' } }, list: [1, 2, 3] }

test.each([
  [[{ op: 'add', path: '/list/-', value: 4 }, { op: 'remove', path: '/list/0' }], { metadata: { labels: { a: 'b' } }, list: [2, 3, 4] }],
  [[{ op: 'add', path: '/metadata/labels/x~1y~0z', value: 'c' }], { metadata: { labels: { a: 'b', 'x/y~z': 'c' } }, list: [1, 2, 3] }],
  [[{ op: 'move', from: '/metadata/labels', path: '/l' }], { metadata: {}, l: { a: 'b' }, list: [1, 2, 3] }],
  [[{ op: 'copy', from: '/list', path: '/metadata/l' }, { op: 'add', path: '/list/1', value: 9 }], { metadata: { labels: { a: 'b' }, l: [1, 2, 3] }, list: [1, 9, 2, 3] }],
  [[{ op: 'test', path: '/metadata', value: { labels: { a: 'b' } } }, { op: 'test', path: '/none', value: null }, { op: 'replace', path: '/list/-1', value: 0 }], { metadata: { labels: { a: 'b' } }, list: [1, 2, 0] }],
  [[{ op: 'replace', path: '', value: {} }], {}],
])('json patch %j', (patch, expected) => {
  const before = structuredClone(document)
  expect(applyJsonPatch(document, patch)).toEqual(expected)
  expect(document).toEqual(before)
})

test.each([
  [[{ op: 'remove', path: '/x' }]], [[{ op: 'add', path: '/x/y', value: 1 }]], [[{ op: 'test', path: '/list', value: [1] }]], [[{ op: 'add', path: '/list/5', value: 1 }]],
  [[{ op: 'zap', path: '/list' }]], [[{ op: 'add', value: 1 }]], [[{ op: 'move', from: '/x', path: '/y' }]], [[{ op: 'replace', path: '/list/x', value: 1 }]],
])('json patch %j does not apply', (patch) => {
  expect(() => applyJsonPatch(document, patch)).toThrow('the server rejected our request due to an error in our request')
})

test('json patch must be a list', () => {
  expect(() => applyJsonPatch(document, {})).toThrow('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
})

test.each([
  [{ a: { b: 1 }, c: 2 }, { a: { b: null, d: 3 }, c: null }, { a: { d: 3 } }],
  [{ a: [1] }, { a: { b: { c: null, d: 1 } } }, { a: { b: { d: 1 } } }],
  [{}, { a: [null, { b: null }] }, { a: [null, { b: null }] }],
])('merge patch of %j with %j', (target, patch, expected) => expect(applyMergePatch(target, patch)).toEqual(expected))

test('merge patch must be an object', () => {
  expect(() => applyMergePatch(document, [])).toThrow('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}')
})

const podSchema = schemas.definition('io.k8s.api.core.v1.Pod')
const pod = {
  metadata: { labels: { a: 'b', c: 'd' }, finalizers: ['x/a', 'x/b'] },
  spec: {
    containers: [{ name: 'web', image: 'i', args: ['x'], env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }, { name: 'C', value: '3' }] }, { name: 'side', image: 's' }],
    volumes: [{ name: 'v', emptyDir: {} }], tolerations: [{ key: 'k' }],
  },
}
type Shape = { metadata: { labels?: object; finalizers?: string[] }; spec: { containers: { name: string; env?: { name: string }[] }[]; volumes?: object[]; tolerations?: object[] } }
const names = (list: { name: string }[] | undefined) => (list ?? []).map((item) => item.name).join(' ')

test.each<[object, (o: Shape) => unknown, unknown]>([
  [{ spec: { containers: [{ name: 'new' }, { name: 'web', env: [{ name: 'D' }, { name: 'A', $patch: 'delete' }] }] } }, (o) => [names(o.spec.containers), names(o.spec.containers[1]?.env)], ['new web side', 'D B C']],
  [{ spec: { containers: [{ name: 'side', $patch: 'delete' }] } }, (o) => names(o.spec.containers), 'web'],
  [{ spec: { containers: [{ $patch: 'replace' }, { name: 'only' }] } }, (o) => names(o.spec.containers), 'only'],
  [{ spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'x' }, { name: 'web' }], containers: [{ name: 'x' }] } }, (o) => names(o.spec.containers), 'side x web'],
  [{ spec: { containers: [{ name: 'web', env: null, args: ['a', 'b'] }] } }, (o) => o.spec.containers[0], { name: 'web', image: 'i', args: ['a', 'b'] }],
  [{ spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } }, (o) => o.spec.volumes, [{ name: 'v', hostPath: { path: '/x' } }]],
  [{ spec: { tolerations: [{ key: 'z' }] } }, (o) => o.spec.tolerations, [{ key: 'z' }]],
  [{ metadata: { labels: { a: null, e: 'f' } } }, (o) => o.metadata.labels, { c: 'd', e: 'f' }],
  [{ metadata: { labels: { $patch: 'replace', z: 'y' } } }, (o) => o.metadata.labels, { z: 'y' }],
  [{ metadata: { finalizers: ['x/c', 'x/a'] } }, (o) => o.metadata.finalizers, ['x/c', 'x/a', 'x/b']],
  [{ metadata: { '$deleteFromPrimitiveList/finalizers': ['x/a'], '$setElementOrder/finalizers': ['x/q', 'x/b'], finalizers: ['x/q'] } }, (o) => o.metadata.finalizers, ['x/q', 'x/b']],
])('strategic merge patch %j', (patch, read, expected) => {
  const before = structuredClone(pod)
  expect(read(applyStrategicMergePatch<Shape>(pod, patch, podSchema))).toEqual(expected)
  expect(pod).toEqual(before)
})

test.each([
  [{ metadata: { labels: { $patch: 'zap' } } }, 500, 'unknown patch type: zap in map: map[$patch:zap]'],
  [{ spec: { containers: [{ image: 'x' }] } }, 500, 'map: map[image:x] does not contain declared merge key: name'],
  [{ spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } }, 400, 'invalid patch format of retainKeys'],
  [{ spec: { '$setElementOrder/containers': {} } }, 500, 'expected a []interface {}, but received a map[string]interface {}'],
  [[], 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
])('strategic merge patch %j is refused', (patch, code, message) => {
  expect(() => applyStrategicMergePatch(pod, patch, podSchema)).toThrow(expect.objectContaining({ message, status: expect.objectContaining({ code }) }) as StatusError)
})

test('patches of many items stay quick, and copies stay small', () => {
  const containers = Array.from({ length: 20_000 }, (_, i) => ({ name: `c${i}` }))
  const patch = { spec: { containers: containers.map((c) => ({ ...c, image: 'x' })), '$setElementOrder/containers': containers } }
  const began = performance.now()
  expect(applyStrategicMergePatch<Shape>({ ...pod, spec: { containers } }, patch, podSchema).spec.containers).toHaveLength(20_000)
  expect(performance.now() - began).toBeLessThan(5000)
  const doubling = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/list', path: '/list/-' }))
  expect(() => applyJsonPatch(document, doubling)).toThrow('the server rejected our request')
})
