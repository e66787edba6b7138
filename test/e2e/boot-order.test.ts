// After a boot no container starts before what it may ask for in its first instant is there: cluster DNS, and the rules of Services whose
// endpoints are up. Programs that end when one of them fails would otherwise spend the first minutes in a restart back-off.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Pod } from '../../src/api/generated/types.ts'
import { eventually } from './box.ts'
import { Machine } from './machine.ts'
import { openWorkbench, shell, type PodOptions } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const machine = new Machine()

// four seconds: after five, resolvers ask again and hide that the first answer was lost
const questions = ['nslookup kubernetes.default.svc.cluster.local', 'nslookup outside.default.svc.cluster.local', 'nc -w 4 $KUBERNETES_SERVICE_HOST 443 </dev/null', 'nc -w 4 $OUTSIDE_SERVICE_HOST 80 </dev/null']
const ask = questions.map((question) => `timeout 4 ${question} >/dev/null 2>&1 || { echo "$HOSTNAME: ${question}" >>/disk/unanswered; exit 1; }`).join('; ')
const impatient = (name: string): PodOptions => ({
  name, command: shell(`${ask}; echo ${name} >>/disk/answered; sleep 86400`),
  container: { volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }, spec: { volumes: [{ name: 'disk', hostPath: { path: '/root' } }] },
})
// few, for they are made sooner; many Services, for their rules take time
const names = ['one', 'two', 'three']
const services = Array.from({ length: 150 }, (_, n) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: `service-${n}` }, spec: { ports: [{ port: 80 }] } }))
const outside = [
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside' }, spec: { ports: [{ port: 80 }] } },
  { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'outside-1', labels: { 'kubernetes.io/service-name': 'outside' } }, addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.10'] }], ports: [{ port: 6443 }] },
]

beforeAll(async () => {
  const bench = await openWorkbench(machine)
  await machine.apply({ apiVersion: 'v1', kind: 'List', items: [...outside, ...services] })
  await bench.start(...names.map(impatient))
}, 180_000)
afterAll(() => machine.close(), 60_000)

const said = (file: string) => (existsSync(join(machine.disk, 'root', file)) ? readFileSync(join(machine.disk, 'root', file), 'utf8').trim().split('\n') : [])
const restarts = async (): Promise<Record<string, number>> => Object.fromEntries((JSON.parse(await machine.k(['get', 'pods', '-o', 'json'])) as { items: Pod[] }).items.map(({ metadata, status }) => [metadata!.name!, status!.containerStatuses![0]!.restartCount]))

test.each([1, 2])('power cut %i: every container is started once', async () => {
  const once = Object.fromEntries(Object.entries(await restarts()).map(([name, count]) => [name, count + 1]))
  await machine.cutPower()
  for (const file of ['answered', 'unanswered']) rmSync(join(machine.disk, 'root', file), { force: true })
  await machine.boot()
  const begun = performance.now()
  machine.spawn()
  await eventually('every container has got its answers', async () => said('answered').length === names.length, 120)
  console.log(`all answered ${Math.round(performance.now() - begun)} ms after mk8s was started`)
  expect(said('unanswered')).toEqual([])
  await eventually('the API says so', async () => isDeepStrictEqual(await restarts(), once))
})
