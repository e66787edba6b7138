import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { renderCleaning } from '../netfilter/clean.ts'
import { renderRestore } from '../netfilter/restore.ts'
import { baseChains, hooks } from './base-rules.ts'
import { differenceOf, mutableChange, staleUdpFlows } from './difference.ts'
import { endpointsOf, renderService } from './service-rules.ts'

const node = { name: 'box', clusterCidr: '10.42.0.0/16' }
const service = (spec: Service['spec']): Service => ({ metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.43.0.7', ports: [{ port: 80 }], ...spec } })
const slice = (...endpoints: NonNullable<EndpointSlice['endpoints']>): EndpointSlice => ({ addressType: 'IPv4', endpoints, ports: [{ name: '', port: 8080, protocol: 'TCP' }] })
const pod = (last: number, nodeName = 'box', conditions = {}) => ({ addresses: [`10.42.0.${last}`], nodeName, conditions })
const jumps = (rules: readonly string[] = []) => rules.map((rule) => /-j (\S+)$/.exec(rule)?.[1]?.replace(/-[A-Z0-9]{16}$/, ''))
const chain = (rules: ReturnType<typeof renderService>, prefix: string) => [...rules.chains].find(([name]) => name.startsWith(prefix))?.[1]

describe('rules of one service', () => {
  test('a cluster IP balances over its ready endpoints', () => {
    const rules = renderService(service({}), [slice(pod(5), pod(6, 'other'), pod(7, 'box', { ready: false }))], node)
    expect(rules.services).toEqual([expect.stringMatching(/^-d 10.43.0.7\/32 -p tcp -m tcp --dport 80 .*-j KUBE-SVC-/)])
    expect(jumps(chain(rules, 'KUBE-SVC'))).toEqual(['KUBE-MARK-MASQ', 'KUBE-SEP', 'KUBE-SEP'])
    expect(chain(rules, 'KUBE-SVC')![1]).toContain('--probability 0.5000000000')
    expect(chain(rules, 'KUBE-SEP')).toEqual([expect.stringContaining('-s 10.42.0.5/32'), expect.stringContaining('--to-destination 10.42.0.5:8080')])
  })

  test.each([
    ['without endpoints', {}, [slice()]],
    ['headless', { clusterIP: 'None' }, [slice(pod(5))]],
    ['an external name', { type: 'ExternalName', clusterIP: undefined }, []],
    ['internal traffic policy Local and no local endpoint', { internalTrafficPolicy: 'Local' }, [slice(pod(5, 'other'))]],
  ])('%s has no way in', (_name, spec, slices) => expect(renderService(service(spec as Service['spec']), slices, node).services).toEqual([]))

  test('a node port under external policy Local keeps the client address for local pods', () => {
    const rules = renderService(service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }), [slice(pod(5), pod(6, 'other'))], node)
    expect(rules.nodePorts).toEqual([expect.stringMatching(/--dport 30080 .*-j KUBE-EXT-/)])
    expect(jumps(chain(rules, 'KUBE-EXT'))).toEqual(['KUBE-SVC', 'KUBE-MARK-MASQ', 'KUBE-SVC', 'KUBE-SVL'])
    expect(jumps(chain(rules, 'KUBE-SVL'))).toEqual(['KUBE-SEP'])
  })

  test('external addresses and node ports without endpoints are refused', () => {
    const rules = renderService(service({ type: 'NodePort', externalIPs: ['192.0.2.9'], ports: [{ port: 80, nodePort: 30080 }] }), [], node)
    expect(rules.rejected).toEqual([expect.stringContaining('-d 192.0.2.9/32'), expect.stringContaining('--dport 30080')])
  })

  test('session affinity remembers for its time', () => {
    const rules = renderService(service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }), [slice(pod(5), pod(6))], node)
    expect(chain(rules, 'KUBE-SVC')!.filter((r) => r.includes('--rcheck --seconds 60 --reap'))).toHaveLength(2)
    expect(chain(rules, 'KUBE-SEP')![1]).toContain('--set')
  })

  test('terminating endpoints serve on while there is no ready one', () => {
    const leaving = { ready: false, serving: true, terminating: true }
    expect(endpointsOf([slice(pod(5, 'box', leaving))], { port: 80 }, 'box')).toHaveLength(1)
    expect(endpointsOf([slice(pod(5, 'box', leaving), pod(6))], { port: 80 }, 'box').map((e) => e.address)).toEqual(['10.42.0.6'])
  })

  test('UDP flows are forgotten when their endpoint goes, and when the first one comes', () => {
    const udp = (...endpoints: ReturnType<typeof pod>[]) =>
      renderService(service({ ports: [{ port: 53, protocol: 'UDP' }] }), [{ ...slice(...endpoints), ports: [{ name: '', port: 53, protocol: 'UDP' }] }], node)
    expect(staleUdpFlows(udp(pod(5), pod(6)), udp(pod(6)))).toEqual([{ destination: '10.43.0.7', endpoint: '10.42.0.5' }])
    expect(staleUdpFlows(udp(), udp(pod(6)))).toEqual([{ destination: '10.43.0.7' }])
    expect(staleUdpFlows(udp(pod(5)), udp(pod(5), pod(6)))).toEqual([])
  })
})

describe('in the kernel', () => {
  const namespace = `mk8s-proxy-${process.pid}`
  const inside = (args: string[], input?: string) => execFileSync('ip', ['netns', 'exec', namespace, ...args], { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] })
  const state = () => inside(['iptables-save', '-t', 'nat']).split('\n').filter((line) => /^[:-]/.test(line)).map((line) => line.replace(/ \[.*/, ''))
  const apply = (text: string) => inside(['iptables-restore', '--noflush'], text)
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', namespace])
    return () => void execFileSync('ip', ['netns', 'delete', namespace])
  })

  test('what differs is applied, and everything can be taken away again', () => {
    const pristine = state()
    const base = baseChains({ clusterCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16' })
    const nat = { ...mutableChange('nat'), chains: new Map([...base.nat, ['KUBE-SERVICES', []], ['KUBE-NODEPORTS', []]]) }
    const filter = { ...mutableChange('filter'), chains: new Map([...base.filter, ['KUBE-EXTERNAL-SERVICES', []]]) }
    apply(renderRestore([nat, filter]))
    for (const { table, chain: name, rule } of hooks) inside(['sh', '-c', `iptables -t ${table} -I ${name} ${rule}`])
    const empty = state()
    const spec: Service['spec'] = { type: 'NodePort', externalIPs: ['192.0.2.9'], sessionAffinity: 'ClientIP', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }
    const one = renderService(service(spec), [slice(pod(5), pod(6))], node)
    const two = renderService(service(spec), [slice(pod(6), pod(7))], node)
    const none = renderService(service(spec), [], node)
    for (const [before, after] of [[undefined, one], [one, two], [two, none], [none, two], [two, undefined]] as const) apply(renderRestore(differenceOf([{ before, after }])))
    expect(state()).toEqual(empty)
    for (const table of ['nat', 'filter'] as const) apply(renderCleaning(table, inside(['iptables-save', '-t', table]), 'mk8s'))
    expect(state()).toEqual(pristine.length > 0 ? pristine : expect.not.arrayContaining([expect.stringMatching(/KUBE/)]))
    expect(inside(['iptables-save'])).not.toContain('KUBE')
  })
})
