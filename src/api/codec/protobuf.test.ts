import { expect, it } from 'vitest'
import { parseProtobuf } from './protobuf.ts'

const varint = (value: number): number[] => (value > 0x7f ? [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 128))] : [value])
const bytes = (number: number, content: Buffer | string): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(Buffer.byteLength(content))]), Buffer.from(content)])
const integer = (number: number, value: number): Buffer => Buffer.from([number << 3, ...varint(value)])
const message = (number: number, ...fields: Buffer[]): Buffer => bytes(number, Buffer.concat(fields))
const body = (apiVersion: string, kind: string, ...fields: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), message(1, bytes(1, apiVersion), bytes(2, kind)), message(2, ...fields), bytes(3, ''), bytes(4, '')])

const metadata = message(1, bytes(1, 'x'), bytes(3, 'ns'), message(8), message(11, bytes(1, 'app'), bytes(2, 'web')), message(11, bytes(1, '__proto__'), bytes(2, 'p')))

it('reads metadata, maps and bytes', () => {
  const secret = parseProtobuf(body('v1', 'Secret', metadata, message(2, bytes(1, 'key'), bytes(2, Buffer.from([0, 1, 255]))), bytes(3, 'Opaque')))
  expect(secret).toMatchObject({ kind: 'Secret', apiVersion: 'v1', metadata: { name: 'x', namespace: 'ns' }, data: { key: 'AAH/' }, type: 'Opaque' })
  expect(Object.entries((secret as { metadata: { labels: object } }).metadata.labels)).toEqual([['app', 'web'], ['__proto__', 'p']])
})

it('reads numbers, quantities, int-or-strings and messages that Go embeds', () => {
  const probe = message(10, message(1, message(2, bytes(1, '/healthz'), message(2, integer(1, 0), integer(2, 8080)))), integer(2, 5))
  const resources = message(8, message(2, bytes(1, 'cpu'), message(2, bytes(1, '100m'))))
  const container = message(2, bytes(1, 'c'), bytes(2, 'image'), message(6, integer(3, 80)), resources, probe)
  const pod = parseProtobuf(body('v1', 'Pod', metadata, message(2, container, integer(4, 30), integer(11, 1))))
  expect(pod).toMatchObject({
    spec: {
      terminationGracePeriodSeconds: 30, hostNetwork: true,
      containers: [{
        name: 'c', image: 'image', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '100m' } },
        livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, initialDelaySeconds: 5 },
      }],
    },
  })
})

it('reads negative and large integers as they are', () => {
  const negative = Buffer.from([1 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
  expect(parseProtobuf(body('apps/v1', 'DeleteOptions', negative))).toMatchObject({ kind: 'DeleteOptions', gracePeriodSeconds: -1 })
  const large = Buffer.from([1 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
  expect(parseProtobuf(body('v1', 'DeleteOptions', large))).toMatchObject({ gracePeriodSeconds: 9223372036854775807n })
})

it.each([
  [Buffer.from('{"kind":"Pod"}'), 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
  [body('v1', 'Nope'), 'no kind "Nope" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
  [Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x12, 0x7f, 0x01])]), 'unexpected EOF'],
])('refuses what is not a message of a known kind', (input, why) => {
  expect(() => parseProtobuf(input)).toThrow(why)
})
