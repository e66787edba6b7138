import { expect, test } from 'vitest'
import { ConfigError, loadOptions, type ConfigSources } from './load.ts'

const load = (from: Partial<ConfigSources>) => loadOptions({ command: 'server', flags: {}, environment: {}, readFile: () => undefined, ...from })

test('flags win over environment, environment over file, file over defaults', () => {
  const file = () => 'https-listen-port: 7001\nnode-name: file\nlog-level: debug\ntls-san: [a, b]\n'
  const got = load({ flags: { httpsListenPort: '7003' }, environment: { MK8S_HTTPS_LISTEN_PORT: '7002', MK8S_NODE_NAME: 'env' }, readFile: file })
  expect(got).toMatchObject({ httpsListenPort: 7003, nodeName: 'env', logLevel: 'debug', tlsSan: ['a', 'b'], clusterCidr: '10.42.0.0/16' })
  expect(Object.isFrozen(got)).toBe(true)
})

test('lists take commas and repetition, switches take nothing', () => {
  expect(load({ flags: { nodeLabel: ['a=1,b=2', 'c='], disableAgent: true } })).toMatchObject({ nodeLabel: ['a=1', 'b=2', 'c='], disableAgent: true })
})

test.each<[Partial<ConfigSources>, string]>([
  [{ flags: { httpsListenPort: '0' } }, '--https-listen-port: "0" is not a port (1-65535)'],
  [{ flags: { clusterCidr: '10.42.0.0' } }, '--cluster-cidr: "10.42.0.0" is not a range such as 10.42.0.0/16'],
  [{ flags: { disable: ['etcd'] } }, '--disable: "etcd" is not one of coredns, servicelb, traefik, local-storage, metrics-server, runtimes'],
  [{ environment: { MK8S_LOG_LEVEL: 'loud' } }, 'MK8S_LOG_LEVEL: "loud" is not one of debug, info, warn, error'],
  [{ readFile: () => 'no-such: 1' }, '/etc/mk8s/config.yaml: "no-such" is not an option'],
  [{ readFile: () => 'a: [' }, '/etc/mk8s/config.yaml: not valid YAML: '],
  [{ readFile: () => '- a' }, '/etc/mk8s/config.yaml: must be a mapping of option names to values'],
  [{ readFile: () => 'node-ip: nowhere' }, '/etc/mk8s/config.yaml: node-ip: "nowhere" is not an IP address'],
  [{ flags: { config: '/none' } }, '--config: /none does not exist'],
  [{ flags: { nodeTaint: ['a=b:Never'] } }, '--node-taint: "a=b:Never" is not a taint such as key=value:NoSchedule'],
])('%j is refused in one line', (from, message) => {
  const attempt = () => load(from)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
})
