import { expect, test } from 'vitest'
import { applyDefaults, decodeStrict, schemas } from './index.ts'
import { definitionNames } from './facts.ts'

const core = (kind: string) => schemas.definition(`io.k8s.api.core.v1.${kind}`)
const apps = (kind: string) => schemas.definition(`io.k8s.api.apps.v1.${kind}`)

test('every definition compiles', () => {
  for (const name of definitionNames()) expect(schemas.definition(name).kind).toBe('struct')
  expect(schemas.ofKind('apps/v1', 'Deployment')).toBe(apps('Deployment'))
  expect(schemas.ofKind('v1', 'Nothing')).toBeUndefined()
})

test.each([
  [core('ConfigMap'), { data: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
  [core('ConfigMap'), { metadata: { name: 5 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string'],
  [core('ConfigMap'), { metadata: [] }, 'json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta'],
  [core('ConfigMap'), { metadata: { labels: [] } }, 'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
  [core('ConfigMap'), { metadata: { generation: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64'],
  [core('ConfigMap'), { metadata: { generation: 99999999999999999999n } }, 'json: cannot unmarshal number 99999999999999999999 into Go struct field ObjectMeta.metadata.generation of type int64'],
  [core('ConfigMap'), { metadata: { ownerReferences: [{ controller: 'x' }] } }, 'json: cannot unmarshal string into Go struct field OwnerReference.metadata.ownerReferences.controller of type bool'],
  [core('ConfigMap'), { metadata: { managedFields: 5 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.managedFields of type []v1.ManagedFieldsEntry'],
  [core('ConfigMap'), { metadata: { creationTimestamp: 'foo' } }, 'parsing time "foo" as "2006-01-02T15:04:05Z07:00": cannot parse "foo" as "2006"'],
  [core('ConfigMap'), { binaryData: { a: 'b' } }, 'illegal base64 data at input byte 0'],
  [apps('Deployment'), { spec: { replicas: 'x' } }, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
  [apps('Deployment'), { spec: { template: { spec: { containers: [{ imagePullPolicy: 1 }] } } } }, 'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy'],
  [core('Pod'), { spec: { containers: [{ resources: { limits: { cpu: 'x' } } }] } }, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
] as const)('%# what Go refuses', (schema, value, expected) => expect(decodeStrict(schema, value).errors).toEqual([expected]))

test('what Go would write', () => {
  const { object, unknown, errors } = decodeStrict(core('Pod'), {
    kind: 'Pod', zap: 1, metadata: { labels: { b: '', a: null }, name: 'x', annotations: {}, creationTimestamp: null, finalizers: [] },
    spec: {
      hostNetwork: false, terminationGracePeriodSeconds: 0, nodeName: '',
      containers: [{ name: 'c', foo: 1, resources: { requests: { cpu: '1000m', memory: 1024 } }, env: [{ name: 'a', value: '' }], ports: [{ containerPort: 80, bar: {} }] }, null],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }], startTime: '2026-01-02T03:04:05.678+01:00' },
  })
  expect({ errors, unknown }).toEqual({ errors: [], unknown: ['unknown field "zap"', 'unknown field "spec.containers[0].foo"', 'unknown field "spec.containers[0].ports[0].bar"'] })
  expect(JSON.stringify(object)).toBe(JSON.stringify({
    kind: 'Pod', metadata: { name: 'x', labels: { a: '', b: '' } },
    spec: {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [{ name: 'c', ports: [{ containerPort: 80 }], env: [{ name: 'a' }], resources: { requests: { cpu: '1', memory: '1024' } } }, { name: '', resources: {} }],
      terminationGracePeriodSeconds: 0,
    },
    status: { conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: null }], startTime: '2026-01-02T02:04:05Z' },
  }))
})

test.each([
  ['2026-02-30T00:00:00Z', 'parsing time "2026-02-30T00:00:00Z": day out of range'], ['2026-13-01T00:00:00Z', 'parsing time "2026-13-01T00:00:00Z": month out of range'],
  ['', 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'], ['2026-01-01', 'parsing time "2026-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
])('time %s is refused', (text, expected) => expect(decodeStrict(core('ConfigMap'), { metadata: { deletionTimestamp: text } }).errors).toEqual([expected]))

test.each([
  ['2026-01-01T00:00:00.123456+01:00', '2025-12-31T23:00:00.123456Z', []],
  ['2026-01-01T00:00:00.5Z', undefined, ['parsing time "2026-01-01T00:00:00.5Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse ".5Z" as ".000000"']],
  ['2026-01-01T00:00:00.123456789Z', undefined, ['parsing time "2026-01-01T00:00:00.123456789Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "789Z" as "Z07:00"']],
])('micro time %s', (renewTime, expected, errors) => {
  const decoded = decodeStrict<{ spec?: { renewTime?: string } }>(schemas.definition('io.k8s.api.coordination.v1.Lease'), { spec: { renewTime } })
  expect([decoded.object.spec?.renewTime, decoded.errors]).toEqual([expected, errors])
})

test('keys that are dangerous in JavaScript are only data', () => {
  const value: unknown = JSON.parse('{"metadata":{"name":"x"},"data":{"__proto__":"a","constructor":"b"},"__proto__":{"data":{}}}')
  const { object, unknown } = decodeStrict(core('ConfigMap'), value)
  expect(unknown).toEqual(['unknown field "__proto__"'])
  expect(JSON.stringify(object)).toBe('{"metadata":{"name":"x"},"data":{"__proto__":"a","constructor":"b"}}')
})

test('static defaults', () => {
  const { object } = decodeStrict<{ spec: unknown }>(apps('Deployment'), { spec: { template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 1 }], livenessProbe: { httpGet: { port: 1 } } }] } } } })
  applyDefaults(apps('Deployment'), object)
  const once = JSON.stringify(object)
  applyDefaults(apps('Deployment'), object)
  expect(JSON.stringify(object)).toBe(once)
  expect(object.spec).toEqual({
    replicas: 1, selector: null, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: { type: 'RollingUpdate' },
    template: {
      metadata: {},
      spec: {
        containers: [{
          name: 'c', ports: [{ containerPort: 1, protocol: 'TCP' }], resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File',
          livenessProbe: { httpGet: { path: '/', port: 1, scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
        }],
        restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {}, schedulerName: 'default-scheduler',
      },
    },
  })
})
