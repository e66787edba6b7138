import { expect, test } from 'vitest'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'

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
