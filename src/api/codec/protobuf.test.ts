import { expect, test } from 'vitest'
import { decodeStrict, schemas } from '../schema/index.ts'
import { parseProtobuf } from './protobuf.ts'

const varint = (value: bigint): number[] => (value > 127n ? [Number(value & 127n) | 128, ...varint(value >> 7n)] : [Number(value)])
const number = (field: number, value: number) => Buffer.from([...varint(BigInt(field * 8)), ...varint(BigInt.asUintN(64, BigInt(value)))])
const message = (field: number, ...parts: (string | Buffer)[]) => {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  return Buffer.concat([Buffer.from([...varint(BigInt(field * 8 + 2)), ...varint(BigInt(content.length))]), content])
}
const envelope = (apiVersion: string, kind: string, raw: Buffer) =>
  Buffer.concat([Buffer.from('k8s\0'), message(1, message(1, apiVersion), message(2, kind)), message(2, raw), message(3, ''), message(4, '')])

// Field numbers as in the generated.proto files of k8s.io/api.
const metadata = message(1, message(1, 'x'), message(11, message(1, 'key'), message(2, 'value')), message(8, number(1, 1767323045)))
const container = message(2,
  message(1, 'c'), message(8, message(2, message(1, 'cpu'), message(2, message(1, '1000m')))),
  message(10, message(1, message(2, message(2, number(1, 1), number(2, 0), message(3, 'web'))))),
  message(11, message(1, message(3, message(1, number(1, 0), number(2, 80))))),
)
const volume = message(1, message(1, 'v'), message(2, message(2, message(1, ''))))
const toleration = message(22, message(2, 'Exists'), number(5, -5))
const pod = Buffer.concat([metadata, message(2, volume, container, toleration, number(11, 1))])

test('a pod in protobuf is the pod it would be in JSON', () => {
  const { object, unknown, errors } = decodeStrict(schemas.definition('io.k8s.api.core.v1.Pod'), parseProtobuf(envelope('v1', 'Pod', pod)))
  expect({ unknown, errors }).toEqual({ unknown: [], errors: [] })
  expect(object).toEqual({
    kind: 'Pod', apiVersion: 'v1', metadata: { name: 'x', creationTimestamp: '2026-01-02T03:04:05Z', labels: { key: 'value' } },
    spec: {
      volumes: [{ name: 'v', emptyDir: {} }], hostNetwork: true, tolerations: [{ operator: 'Exists', tolerationSeconds: -5 }],
      containers: [{ name: 'c', resources: { requests: { cpu: '1' } }, livenessProbe: { httpGet: { port: 'web' } }, readinessProbe: { tcpSocket: { port: 80 } } }],
    },
    status: {},
  })
})

test('options come under any group version', () => {
  expect(parseProtobuf(envelope('apps/v1', 'DeleteOptions', number(1, 0)))).toEqual({ kind: 'DeleteOptions', apiVersion: 'apps/v1', gracePeriodSeconds: 0 })
})

test.each([
  [Buffer.from('{}'), 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
  [envelope('v1', 'Pod', pod).subarray(0, 40), 'unexpected EOF'],
  [envelope('v1', 'Nothing', pod), 'no kind "Nothing" is registered for version "v1"'],
])('what cannot be read is refused %#', (bytes, expected) => expect(() => parseProtobuf(bytes)).toThrow(expected))
