// The power is cut, and after the boot everything comes back by itself, as upstream shows it after a node was restarted.
import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Node, Pod, Service } from '../../src/api/generated/types.ts'
import { eventually } from './box.ts'
import { leaks } from './leaks.ts'
import { networkOf, startQueries } from './loops.ts'
import { Machine } from './machine.ts'
import { image, openWorkbench, pod, shell, template, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const machine = new Machine()
let bench: Workbench

const forever = 'trap exit TERM; sleep 86400 & wait'
const set = (kind: string, name: string, spec: object, extra: object = {}) => ({ apiVersion: 'apps/v1', kind, metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: template({ app: name }, forever, {}, spec), ...extra } })
const volumes = [{ name: 'disk', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'settings', configMap: { name: 'settings' } }]
const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))

beforeAll(async () => {
  bench = await openWorkbench(machine)
  await machine.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'blue' } })
  const initContainers = [{ name: 'first', image, command: shell('echo once >>/disk/init; sleep 0.2'), volumeMounts }]
  for (const object of [
    set('Deployment', 'web', { }, { replicas: 2 }), set('StatefulSet', 'db', {}, { serviceName: 'db', replicas: 1 }), set('DaemonSet', 'each', { hostNetwork: true }),
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'never' }, spec: { template: template({ app: 'never' }, forever, {}, { restartPolicy: 'Never' }) } },
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'again' }, spec: { template: template({ app: 'again' }, forever, {}, { restartPolicy: 'OnFailure' }) } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'site' }, spec: { selector: { app: 'site' }, ports: [{ port: 80 }] } },
    pod({ name: 'bare', command: shell('cp /settings/colour /www/index.html; exec httpd -f -p 80 -h /www'), labels: { app: 'site' }, container: { volumeMounts, ports: [{ containerPort: 80, hostPort: 8088 }] }, spec: { volumes, initContainers } }),
    pod({ name: 'once', command: shell(forever), spec: { restartPolicy: 'Never' } }),
    pod({ name: 'done', command: ['true'], spec: { restartPolicy: 'Never' } }),
  ]) await machine.apply(object)
  await bench.running('bare')
  await bench.finished('done')
  await eventually('all run', async () => (await pods()).every(({ metadata, status }) => metadata!.name === 'done' || ready(status)))
  await bench.exec('bare', 'echo kept >/disk/file; echo lost >/memory/file')
}, 180_000)
afterAll(() => machine.close(), 60_000)

/** libcni does not sync them. */
function emptyNetworkResults(): void {
  const directory = join(machine.disk, 'var/lib/cni/results')
  const names = readdirSync(directory)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) truncateSync(join(directory, name))
}

const pods = async () => (JSON.parse(await machine.k(['get', 'pods', '-o', 'json'])) as { items: Pod[] }).items
const find = async (name: string) => (await pods()).find(({ metadata }) => metadata!.name === name)!
const ready = (status: Pod['status']) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
const serviceIps = async () => (JSON.parse(await machine.k(['get', 'services', '-A', '-o', 'json'])) as { items: Service[] }).items.map(({ metadata, spec }) => `${metadata!.name} ${spec!.clusterIP}`)

test.each([1, 2])('power cut %i: everything comes back by itself', async (round) => {
  const before = await pods()
  const services = await serviceIps()
  await machine.cutPower()
  if (round === 2) emptyNetworkResults()
  await machine.boot()
  const began = Date.now()
  const since = () => Date.now() - began
  await machine.startApi()
  const api = since()
  // what was true before the cut is shown until the agent has looked
  await eventually('no lost pod is called Ready', async () => {
    const stale = (await pods()).filter(({ metadata, status }) => ready(status) && before.some((old) => old.metadata!.uid === metadata!.uid && old.status?.containerStatuses?.[0]?.containerID === status!.containerStatuses?.[0]?.containerID))
    if (stale.length > 0) throw new Error(stale.map(({ metadata }) => metadata!.name).join(' '))
    return true
  })
  const honest = since()
  await eventually('the site answers by its service and by its host port', async () => {
    const [, ip] = (services.find((one) => one.startsWith('site ')) ?? '').split(' ')
    for (const place of [`${ip}`, '192.0.2.10:8088']) if ((await machine.inside('curl', ['-sf', '-m', '2', `http://${place}/`])) !== 'blue') return false
    return true
  })
  const site = since()
  await eventually('all run again', async () => {
    const waiting = (await pods()).filter(({ metadata, status }) => !['done', 'once'].includes(metadata!.name!) && status?.phase !== 'Failed' && !ready(status))
    if (waiting.length > 0) throw new Error(waiting.map(({ metadata, status }) => `${metadata!.name} ${status?.phase}`).join(', '))
    return (await pods()).some(({ metadata, status }) => metadata!.labels?.app === 'never' && ready(status))
  }, 90)
  console.log(`power cut ${round}: API after ${api} ms, no stale Ready after ${honest} ms, service and host port after ${site} ms, all pods after ${since()} ms`)

  expect(await serviceIps()).toEqual(services)
  for (const old of before) {
    const now = (await pods()).find(({ metadata }) => metadata!.uid === old.metadata!.uid)
    expect(now, `${old.metadata!.name} is the same pod`).toBeDefined()
    const [status] = now!.status!.containerStatuses!
    if (old.metadata!.name === 'done' || old.status?.phase === 'Failed') expect(now!.status!.phase).toBe(old.status!.phase)
    else if (now!.spec!.restartPolicy === 'Never') {
      expect([now!.status!.phase, status!.state!.terminated!.exitCode, status!.state!.terminated!.reason]).toEqual(['Failed', 255, 'Unknown'])
    } else {
      expect(status!.restartCount, old.metadata!.name).toBe(old.status!.containerStatuses![0]!.restartCount + 1)
      expect([status!.lastState!.terminated!.exitCode, status!.lastState!.terminated!.reason]).toEqual([255, 'Unknown'])
    }
  }
  expect(await bench.exec('bare', 'cat /disk/file; ls /memory | wc -l; wc -l </disk/init; cat /settings/colour')).toMatch(new RegExp(`^kept\\n0\\n${round + 1}\\nblue$`))
  const [node] = (JSON.parse(await machine.k(['get', 'nodes', '-o', 'json'])) as { items: Node[] }).items
  expect(node!.status!.conditions!.map(({ type, status }) => `${type} ${status}`).sort()).toEqual(['DiskPressure False', 'MemoryPressure False', 'PIDPressure False', 'Ready True'])
  const asked = startQueries(await networkOf(machine, (await find('bare')).status!.podIP!), '10.43.0.10', 'site.default.svc.cluster.local', services.find((one) => one.startsWith('site '))!.split(' ')[1]!)
  const settled = eventually('nothing is left over and nothing is missing', async () => {
    const found = await leaks(machine)
    if (found.length > 0) throw new Error(found.join('; '))
    return true
  }, 90)
  // also when it fails: a process that goes on asking would hold up the end of the tests
  await settled.catch(() => undefined)
  const { failures } = await asked.stop()
  await settled
  expect(failures).toEqual([])
})
