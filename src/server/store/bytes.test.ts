import { expect, it } from 'vitest'
import { encodeStored } from './bytes.ts'

it('stores an object without its revision, kind and metadata first, in memory of its own', () => {
  const value = encodeStored({ metadata: { name: 'ä', resourceVersion: '7' }, kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'b' } } as object)
  expect(value.toString()).toBe('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"ä"},"data":{"a":"b"}}')
  expect(value.buffer.byteLength).toBe(value.length)
})
