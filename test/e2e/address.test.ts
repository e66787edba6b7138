// A box whose address, cable and host name change, as DHCP and people change them: the node follows, pods keep talking.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Box, eventually } from './box.ts'
import { openWorkbench, shell, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 120_000 })
const mounts = [{ name: 'host', mountPath: '/host', readOnly: true }]
const host = { volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }] }
const webServer = (text: string, port: number) => shell(`echo ${text} >/www/index.html; exec httpd -f -p ${port} -h /www`)

const box = new Box()
let bench: Workbench
const ip = (...args: string[]) => box.inside('ip', args)

beforeAll(async () => {
  bench = await openWorkbench(box)
  await bench.start(
    { name: 'web', labels: { app: 'web' }, command: webServer('web', 80) },
    {
      name: 'host', labels: { app: 'host' }, command: webServer('host', 8088), spec: { hostNetwork: true },
      container: { livenessProbe: { httpGet: { path: '/', port: 8088 }, periodSeconds: 10 } },
    },
    { name: 'asker', container: { volumeMounts: mounts }, spec: host },
  )
  const service = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ...spec } })
  await box.apply({ apiVersion: 'v1', kind: 'List', items: [service('web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), service('host', { ports: [{ port: 80, targetPort: 8088 }] })] })
}, 180_000)
afterAll(async () => {
  await box.close()
}, 120_000)

const chroot = (command: string) => ['exec', 'asker', '--', 'chroot', '/host', 'sh', '-c', command]
const fromPod = (command: string) => box.k(chroot(command))
/** A connection on which something is sent every second: it tells how it ended. */
const sending = (address: string) => `exec 3<>/dev/tcp/${address}/80 && echo open; while sleep 1; do printf x >&3 || break; done; echo reset`
const clusterIp = (service: string) => bench.get('service', service, '.spec.clusterIP')

async function nodeIsAt(address: string): Promise<void> {
  const is = async (value: Promise<string>) => (await value) === address
  await eventually('the node has the address', () => is(bench.get('node', 'box', '.status.addresses[?(@.type=="InternalIP")].address')))
  await eventually('the endpoints of the API server have it', () => is(bench.get('endpoints', 'kubernetes', '.subsets[*].addresses[*].ip')))
  await eventually('so has the slice', () => is(bench.get('endpointslice', 'kubernetes', '.endpoints[*].addresses[*]')))
  await eventually('pods name it as that of their host', () => is(bench.get('pod', 'web', '.status.hostIP')))
  await eventually("a pod on the host's network has it", () => is(bench.get('pod', 'host', '.status.podIP')))
}

async function allTalk(): Promise<void> {
  const webService = await clusterIp('web')
  expect(await eventually('a pod is reached', () => fromPod(`curl -sSf -m 5 http://${webService}/`))).toBe('web\n')
  const hostService = await clusterIp('host')
  expect(await eventually("a pod on the host's network is reached", () => fromPod(`curl -sSf -m 2 http://${hostService}/`))).toBe('host\n')
  expect(await eventually('the API server is reached from a pod', () => fromPod('curl -sSk -m 2 https://10.43.0.1/version'))).toContain('gitVersion')
  expect(await box.inside('curl', ['-sSf', '-m', '5', `http://${webService}/`]), 'the machine itself reaches a service').toBe('web\n')
  expect(await box.inside('curl', ['-sSf', '-m', '5', `http://${hostService}/`])).toBe('host\n')
  expect(await box.inside('curl', ['-sSk', '-m', '5', 'https://10.43.0.1/version'])).toContain('gitVersion')
  const unserved = await box.tryInside('curl', ['-sS', '-m', '5', 'http://10.43.200.200/'])
  expect(unserved.stderr).toMatch(/refused|Couldn't connect/)
  expect((await bench.exec('asker', 'nslookup web.default.svc.cluster.local'))).toContain(webService)
  expect(await box.k(['logs', 'web'])).toBe('')
  expect(await box.k(['get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'])).toBe('0 0 0')
}

/** From the LAN, as it were: the node port, and both servers' certificates. */
async function reachedAt(address: string): Promise<void> {
  expect(await eventually('the node port is reached', () => box.inside('curl', ['-sSf', '-m', '5', `http://${address}:30080/`]))).toBe('web\n')
  const check = ['-verify_ip', address, '-CAfile', `${box.dataDir}/server/tls/server-ca.crt`, '-verify_return_error']
  for (const port of [6443, 10250]) expect(await box.inside('openssl', ['s_client', '-connect', `${address}:${port}`, ...check])).toContain('Verification: OK')
}

describe('a box gets another address', () => {
  test('while it runs: everything follows, and no connection breaks that need not', async () => {
    await reachedAt('192.0.2.10')
    const watch = box.startKubectl(['get', 'pods', '--watch', '-o', 'name'])
    const stream = box.startKubectl(['exec', 'asker', '--', 'sh', '-c', 'while :; do echo here; sleep 1; done'])
    const between = box.startKubectl(chroot(`bash -c '${sending(await clusterIp('web'))}'`))
    const toNode = box.startKubectl(chroot(`bash -c '${sending(await clusterIp('host'))}'`))
    await eventually('all of them run', async () => [watch, stream, between, toNode].every(({ output }) => output !== ''))
    await ip('address', 'add', '198.51.100.20/24', 'dev', 'eth0')
    await ip('address', 'delete', '192.0.2.10/24', 'dev', 'eth0')
    await ip('route', 'replace', 'default', 'via', '198.51.100.1', 'dev', 'eth0')
    await nodeIsAt('198.51.100.20')
    await allTalk()
    await reachedAt('198.51.100.20')
    await eventually('a connection to the address that is gone is reset, not left hanging', async () => toNode.output.includes('reset'), 30)
    const seen = { watch: watch.output.length, stream: stream.output.length }
    await box.k(['label', 'pod', 'web', 'seen=yes'])
    await eventually('a watch goes on', async () => watch.output.length > seen.watch)
    await eventually('so does what runs by kubectl exec', async () => stream.output.length > seen.stream)
    expect([watch.ended, stream.ended, between.output]).toEqual([false, false, 'open\n'])
  })

  test('without a cable and under another host name: the node is Ready under its name, and follows when the cable comes', async () => {
    await box.signal('SIGTERM')
    await ip('address', 'flush', 'dev', 'eth0')
    await ip('link', 'set', 'eth0', 'down')
    expect(await ip('route', 'show', 'default')).toBe('')
    // it keeps its name, though the machine's is another
    box.flags = box.flags.filter((flag, i) => flag !== '--node-name' && box.flags[i - 1] !== '--node-name').concat('--resolv-conf', '/nowhere')
    await box.start()
    expect(box.log()).toMatch(/this machine has no network; until it has an IPv4 address the node goes by that of its pod bridge/)
    expect(await box.k(['get', 'nodes', '-o', 'name'])).toBe('node/box\n')
    await nodeIsAt('10.42.0.1')
    await allTalk()
    await bench.start({ name: 'new' })
    await box.k(['delete', 'pod', 'new'])
    await ip('link', 'set', 'eth0', 'up')
    await ip('address', 'add', '203.0.113.30/24', 'dev', 'eth0')
    await ip('route', 'replace', 'default', 'via', '203.0.113.1', 'dev', 'eth0')
    await nodeIsAt('203.0.113.30')
    await allTalk()
    await reachedAt('203.0.113.30')
    expect(await box.k(['get', 'nodes', '-o', 'name'])).toBe('node/box\n')
  })
  test('an address that is given stays, and a line says when the machine does not have it', async () => {
    await box.signal('SIGTERM')
    const begun = box.log().length
    box.flags = [...box.flags, '--node-ip', '192.0.2.10']
    await box.start()
    expect(box.log().slice(begun)).toMatch(/no interface of this machine has the address given with --node-ip.*192\.0\.2\.10/)
    await nodeIsAt('192.0.2.10')
    expect(await box.k(['logs', 'web'])).toBe('')
  })
})
