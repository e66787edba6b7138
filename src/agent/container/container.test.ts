import { describe, expect, test } from 'vitest'
import type { Service } from '../../api/generated/types.ts'
import { credentialsFor } from '../image/credentials.ts'
import { parseImageReference, withDefaultTag } from '../../runtime/image-reference.ts'
import { createBackoff, goDuration } from '../pod/backoff.ts'
import { asAgentPod, type AgentPod } from '../pod/types.ts'
import { cpuQuota, cpuShares } from '../resources/linux-resources.ts'
import { qosClassOf } from '../../api/qos.ts'
import { oomScoreAdjust } from '../resources/qos.ts'
import { parseResolvConf, podDns } from '../sandbox/dns.ts'
import { podHosts } from '../sandbox/hosts-file.ts'
import { environment } from './environment.ts'
import { expand } from './expand.ts'
import { serviceVariables } from './service-env.ts'

const podOf = (spec: Partial<AgentPod['spec']>, labels = {}): AgentPod => asAgentPod({ metadata: { name: 'p', namespace: 'ns', uid: 'u', labels }, spec: { containers: [{ name: 'c' }], ...spec } })

test.each([
  ['$(A)', '1'], ['$$(A)', '$(A)'], ['$(B)', '$(B)'], ['a$', 'a$'], ['$(A)$(A)', '11'], ['$$$(A)', '$1'], ['$(', '$('], ['x$(A)y', 'x1y'],
])('%s expands to %s', (text, result) => expect(expand(text, (name) => ({ A: '1' })[name])).toBe(result))

describe('environment', () => {
  const input = {
    addresses: { podIps: ['10.0.0.1'], hostIps: ['192.0.2.1'] }, allocatable: { cpu: '4', memory: '8Gi' }, services: { S_SERVICE_HOST: '10.43.0.1' },
    configMap: async (name: string) => (name === 'there' ? { data: { k: 'v' } } : undefined), secret: async () => undefined,
  }
  test('is built in order, with fields, resources and services', async () => {
    const container = {
      name: 'c', resources: { limits: { memory: '64Mi' } }, envFrom: [{ prefix: 'P_', configMapRef: { name: 'there' } }, { configMapRef: { name: 'missing', optional: true } }],
      env: [
        { name: 'A', value: 'x$(P_k)$(LATER)$(S_SERVICE_HOST)' }, { name: 'LATER', value: 'l' }, { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } }, { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      ],
    }
    expect(await environment({ ...input, pod: podOf({}, { a: 'b' }), container })).toEqual({
      S_SERVICE_HOST: '10.43.0.1', P_k: 'v', A: 'xv$(LATER)10.43.0.1', LATER: 'l', IP: '10.0.0.1', LABEL: 'b', MEM: '64', CPU: '4',
    })
  })
  test.each([
    [{ configMapKeyRef: { name: 'missing', key: 'k' } }, 'configmap "missing" not found'],
    [{ configMapKeyRef: { name: 'there', key: 'nope' } }, "couldn't find key nope in ConfigMap ns/there"],
    [{ secretKeyRef: { name: 's', key: 'k' } }, 'secret "s" not found'],
  ])('%o is refused with %s', async (valueFrom, message) => {
    await expect(environment({ ...input, pod: podOf({}), container: { name: 'c', env: [{ name: 'A', valueFrom }] } })).rejects.toThrow(message)
  })
})

test('services become variables as links of old had them', () => {
  const service = (namespace: string, name: string): Service => ({ metadata: { namespace, name }, spec: { clusterIP: '10.43.0.9', ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] } })
  const all = [service('ns', 'my-svc'), service('default', 'kubernetes'), service('other', 'x'), { metadata: { namespace: 'ns', name: 'headless' }, spec: { clusterIP: 'None' } }]
  expect(serviceVariables(all, 'ns', true)).toMatchObject({
    MY_SVC_SERVICE_HOST: '10.43.0.9', MY_SVC_SERVICE_PORT: '53', MY_SVC_SERVICE_PORT_DNS: '53', MY_SVC_PORT: 'udp://10.43.0.9:53', MY_SVC_PORT_53_UDP_ADDR: '10.43.0.9', KUBERNETES_SERVICE_HOST: '10.43.0.9',
  })
  expect(Object.keys(serviceVariables(all, 'ns', false)).every((name) => name.startsWith('KUBERNETES_'))).toBe(true)
})

test.each([
  ['nginx', 'nginx:latest'], ['nginx:1', 'nginx:1'], ['localhost:5000/a/b', 'localhost:5000/a/b:latest'], [`x@sha256:${'a'.repeat(64)}`, `x@sha256:${'a'.repeat(64)}`],
])('%s is pulled as %s', (image, reference) => expect(withDefaultTag(image)).toBe(reference))
test('images have a registry, and what is no name says so', () => {
  expect(parseImageReference('nginx')).toEqual({ registry: 'docker.io', repository: 'library/nginx' })
  expect(() => parseImageReference('FAILED_IMAGE')).toThrow(`couldn't parse image name "FAILED_IMAGE": invalid reference format: repository name (library/FAILED_IMAGE) must be lowercase`)
  expect(() => parseImageReference('a::b')).toThrow('invalid reference format')
})

test('the most specific credentials of a registry come first', () => {
  const auths = { 'localhost:5000': { username: 'all', password: 'x' }, 'localhost:5000/team': { auth: Buffer.from('team:y:z').toString('base64') }, 'quay.io': { username: 'q' } }
  const secret = { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') } }
  expect(credentialsFor('localhost:5000/team/app:1', [secret])).toEqual([{ username: 'team', password: 'y:z' }, { username: 'all', password: 'x' }])
  expect(credentialsFor('nginx', [secret])).toEqual([])
})

test('delays double up to a limit and are forgotten', () => {
  const backoff = createBackoff({ initialMilliseconds: 10, limitMilliseconds: 25 })
  const delays = [1, 2, 3].map((at) => (backoff.next('k', at, at), backoff.delay('k', at)))
  expect(delays).toEqual([10, 20, 25])
  expect(backoff.delay('k', 100)).toBe(0)
})
test.each([[0, '0s'], [350, '350ms'], [1500, '1.5s'], [10_000, '10s'], [160_000, '2m40s'], [3_600_000, '1h0m0s']])('%d ms is %s', (ms, text) => expect(goDuration(ms)).toBe(text))

describe('quality of service', () => {
  const limits = { cpu: '1', memory: '1Gi' }
  const cases: [string, AgentPod, string, number][] = [
    ['nothing', podOf({}), 'BestEffort', 1000],
    ['all limits', podOf({ containers: [{ name: 'c', resources: { limits, requests: limits } }] }), 'Guaranteed', -997],
    ['some requests', podOf({ containers: [{ name: 'c', resources: { requests: { memory: '1Gi' } } }] }), 'Burstable', 900],
    ['one of two', podOf({ containers: [{ name: 'c', resources: { limits, requests: limits } }, { name: 'd' }] }), 'Burstable', 900],
    ['critical for the node', podOf({ priority: 2_000_001_000, priorityClassName: 'system-node-critical' }), 'BestEffort', -997],
  ]
  test.each(cases)('%s', (_name, pod, qos, score) => {
    expect(qosClassOf(pod.spec)).toBe(qos)
    expect(oomScoreAdjust(pod, pod.spec.containers[0]!, 10 * 1024 ** 3)).toBe(score)
  })
  test('CPU in shares and quota', () => {
    expect([0, 1, 100, 1000, 1_000_000].map(cpuShares)).toEqual([2, 2, 102, 1024, 262_144])
    expect([0, 1, 500].map(cpuQuota)).toEqual([0, 1000, 50_000])
  })
})

describe('resolv.conf', () => {
  const host = parseResolvConf('# x\nnameserver 1.1.1.1\nsearch a.example. b.example\noptions ndots:2 edns0\n')
  const dns = (spec: Partial<AgentPod['spec']>) => podDns({ pod: podOf(spec), clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', host }).config
  test('of the cluster', () => expect(dns({})).toEqual({
    servers: ['10.43.0.10'], searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'a.example', 'b.example'], options: ['ndots:5'],
  }))
  test('of the node', () => expect(dns({ dnsPolicy: 'Default' })).toEqual({ servers: ['1.1.1.1'], searches: ['a.example', 'b.example'], options: ['ndots:2', 'edns0'] }))
  test('of a pod on the host network', () => expect(dns({ hostNetwork: true }).servers).toEqual(['1.1.1.1']))
  test('of its own', () => expect(dns({ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], options: [{ name: 'ndots', value: '1' }, { name: 'rotate' }] } }))
    .toEqual({ servers: ['9.9.9.9'], searches: [], options: ['ndots:1', 'rotate'] }))
  test('within the limits', () => {
    const { config, warnings } = podDns({ pod: podOf({ dnsConfig: { nameservers: ['1', '2', '3', '4'] } }), clusterDns: ['0'], clusterDomain: 'c', host })
    expect(config.servers).toEqual(['0', '1', '2'])
    expect(warnings[0]).toBe('Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 0 1 2')
  })
})

test('/etc/hosts names the pod and its aliases', () => {
  const text = podHosts(['10.0.0.1'], { hostname: 'h', domain: 's.ns.svc.cluster.local' }, [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }])
  expect(text).toContain('10.0.0.1\th.s.ns.svc.cluster.local\th\n')
  expect(text.endsWith('\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n')).toBe(true)
})
