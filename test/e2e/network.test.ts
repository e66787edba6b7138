// Services as their users see them, from the node and from pods.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Box, eventually } from './box.ts'
import { openWorkbench, shell, type Workbench } from './workbench.ts'

vi.setConfig({ testTimeout: 180_000 })
const resolver = join(mkdtempSync(join(tmpdir(), 'mk8s-network-')), 'resolv.conf')
const box = new Box(['--resolv-conf', resolver])
let bench: Workbench
// clients in pods are the host's programs: a static busybox cannot look up names, so its wget and nc end with a crash
const mounts = [{ name: 'host', mountPath: '/host', readOnly: true }]
const withHost = { container: { volumeMounts: mounts }, spec: { volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }] } }
const server = (name: string) => ({
  ...withHost, name, labels: { app: 'web', name }, container: { ports: [{ containerPort: 80, name: 'http' }], volumeMounts: mounts },
  command: shell(`echo ${name} > /www/index.html; exec httpd -f -p 80 -h /www`),
})
beforeAll(async () => {
  writeFileSync(resolver, 'nameserver 192.0.2.10\n')
  bench = await openWorkbench(box)
  await bench.start(server('web-a'), server('web-b'), { name: 'asker', ...withHost })
}, 180_000)
afterAll(async () => {
  await box.close()
  rmSync(dirname(resolver), { recursive: true })
}, 120_000)

const service = (name: string, spec: object, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, ...metadata }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], ...spec } })
const address = (name: string) => bench.get('service', name, '.spec.clusterIP')
const fromNode = (url: string) => box.inside('curl', ['-sSf', '-m', '2', `http://${url}/`])
const fromPod = (url: string, who = 'asker') => box.k(['exec', who, '--', 'chroot', '/host', 'curl', '-sSf', '-m', '2', `http://${url}/`])
const curlCode = async (url: string) => (await box.tryInside('curl', ['-sS', '-m', '3', `http://${url}/`])).code
const both = async (what: string, ask: () => Promise<string>) => {
  const seen = new Set<string>()
  await eventually(`${what} reaches both`, async () => seen.add((await ask()).trim()).size === 2)
  expect([...seen].sort()).toEqual(['web-a', 'web-b'])
}

describe('services', () => {
  test('both endpoints answer, from the node, from a pod and from themselves', async () => {
    await box.apply(service('web', {}))
    const ip = await address('web')
    await both('the node', () => fromNode(ip))
    await both('a pod', () => fromPod(ip))
    await both('an endpoint itself', () => fromPod(ip, 'web-a'))
    await box.k(['patch', 'pod', 'web-b', '-p', '{"metadata":{"labels":{"app":"other"}}}'])
    await box.apply(service('mirror', { selector: { name: 'web-a' } }))
    const mirror = await address('mirror')
    expect(await eventually('a pod reaches itself by its service', () => fromPod(mirror, 'web-a'))).toBe('web-a\n')
    await box.k(['patch', 'pod', 'web-b', '-p', '{"metadata":{"labels":{"app":"web"}}}'])
  })
  test('session affinity keeps a client at its endpoint', async () => {
    await box.apply(service('sticky', { sessionAffinity: 'ClientIP' }))
    const ip = await address('sticky')
    const first = await eventually('it answers', () => fromPod(ip))
    for (let i = 0; i < 8; i++) expect(await fromPod(ip)).toBe(first)
  })
  test('external addresses and node ports; the policies Local and the endpoints of other nodes', async () => {
    await box.apply(service('outer', { type: 'NodePort', externalIPs: ['198.51.100.7'], externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }))
    const port = await bench.get('service', 'outer', '.spec.ports[0].nodePort')
    await both('the node port', () => fromNode(`192.0.2.10:${port}`))
    await both('the external address', () => fromPod('198.51.100.7'))
    const ip = await address('outer')
    await both('the cluster address', () => fromPod(ip))
    // the only endpoint is on a node that is not this one: nothing local may answer
    await box.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'far' }, spec: { internalTrafficPolicy: 'Local', ports: [{ port: 80 }] } })
    const target = await bench.get('pod', 'web-a', '.status.podIP')
    const slice = (nodeName: string) => ({
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'far-1', labels: { 'kubernetes.io/service-name': 'far' } }, addressType: 'IPv4',
      ports: [{ name: '', port: 80, protocol: 'TCP' }], endpoints: [{ addresses: [target], conditions: { ready: true }, nodeName }],
    })
    await box.apply(slice('box'))
    const far = await address('far')
    expect(await eventually('a local endpoint answers', () => fromNode(far))).toBe('web-a\n')
    await box.apply(slice('elsewhere'))
    await eventually('an endpoint elsewhere does not', async () => (await curlCode(far)) !== 0)
  })
  test('ExternalName is an alias; a headless service names its pods; SRV', async () => {
    await box.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'alias' }, spec: { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' } })
    await box.apply(service('heads', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }))
    const look = async (...args: string[]) => (await box.kubectl(['exec', 'asker', '--', 'nslookup', ...args])).stdout
    await eventually('the alias', async () => (await look('alias.default.svc.cluster.local')).includes('web.default.svc.cluster.local'))
    const ips = [await bench.get('pod', 'web-a', '.status.podIP'), await bench.get('pod', 'web-b', '.status.podIP')]
    await eventually('both addresses', async () => {
      const text = await look('heads.default.svc.cluster.local')
      return ips.every((ip) => text.includes(ip))
    })
    expect(await look('-type=srv', '_http._tcp.heads.default.svc.cluster.local')).toMatch(/0 50 80 .*heads\.default\.svc\.cluster\.local/)
    expect(await look(`${ips[0]!.replaceAll('.', '-')}.default.pod.cluster.local`)).toContain(ips[0])
  })
  test('a UDP client follows when the endpoint changes', async () => {
    const perl = (script: string) => ['chroot', '/host', 'perl', '-MIO::Socket::INET', '-e', script]
    const echo = (name: string) => ({ ...withHost, name, labels: { udp: name }, command: perl(`$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53); while ($s->recv($b, 99)) { $s->send("${name}") }`) })
    await bench.start(echo('udp-a'), echo('udp-b'))
    const make = (name: string) => box.apply(service('udp', { selector: { udp: name }, ports: [{ port: 53, protocol: 'UDP' }] }))
    await make('udp-a')
    const ip = await address('udp')
    // always from the same source port, so that a stale conntrack entry would hold it
    const client = perl(`$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 7777, PeerAddr => "${ip}:53"); $s->send("hi"); alarm 1; $s->recv($b, 99); print $b`)
    const ask = async () => (await box.kubectl(['exec', 'asker', '--', ...client])).stdout
    await eventually('the first endpoint answers', async () => (await ask()) === 'udp-a')
    await make('udp-b')
    await eventually('the second endpoint answers', async () => (await ask()) === 'udp-b')
    await box.k(['delete', 'pod', 'udp-a', 'udp-b', '--wait=false'])
  })
  test('nothing serves it: refused at once, node ports too; a deleted service is gone', async () => {
    await box.apply(service('empty', { type: 'NodePort', selector: { app: 'nobody' } }))
    const [ip, port] = [await address('empty'), await bench.get('service', 'empty', '.spec.ports[0].nodePort')]
    const couldNotConnect = 7
    for (const url of [ip, `192.0.2.10:${port}`]) await eventually(`${url} refuses`, async () => (await curlCode(url)) === couldNotConnect)
    await box.k(['delete', 'service', 'empty'])
    await eventually('its rules are gone', async () => !(await box.inside('iptables-save', [])).includes('default/empty'))
  })
})

describe('DNS beyond the cluster', () => {
  // a name server of the node's network: the transport is its answer, in a TXT record, and a long one over UDP is cut short
  const outer = `
    const answer = (query, transport) => {
      const long = query.includes(Buffer.from('long'))
      const text = Buffer.from(transport + (long ? ' ' + 'x'.repeat(200) : ''))
      const end = query.indexOf(0, 12) + 5
      const head = Buffer.from(query.subarray(0, end))
      head.writeUInt16BE(long && transport === 'udp' ? 0x8380 : 0x8180, 2)
      head.writeUInt16BE(long && transport === 'udp' ? 0 : 1, 6); head.writeUInt32BE(0, 8)
      if (long && transport === 'udp') return head
      return Buffer.concat([head, Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 5, 0, text.length + 1, text.length]), text])
    }
    const udp = require('node:dgram').createSocket('udp4')
    udp.on('message', (query, from) => udp.send(answer(query, 'udp'), from.port, from.address)).bind(53, '192.0.2.10')
    require('node:net').createServer((socket) => socket.on('data', (data) => {
      const reply = answer(data.subarray(2), 'tcp')
      socket.end(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]))
    }).on('error', () => {})).listen(53, '192.0.2.10')`
  // asks the cluster's DNS for a TXT record over TCP and prints its text
  const overTcp = (name: string) => `
    const labels = ${JSON.stringify(name)}.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
    const query = Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, 16, 0, 1])])
    const socket = require('node:net').connect(53, '10.43.0.10', () => socket.write(Buffer.concat([Buffer.from([0, query.length]), query])))
    socket.on('data', (data) => { const at = 2 + query.length + 12; process.stdout.write(data.subarray(at + 1, at + 1 + data[at])); socket.end() })`
  const node = (script: string) => box.inside(process.execPath, ['-e', script], { timeout: 10_000 })
  const viaResolver = (name: string) => node(`const r = new (require('node:dns').promises.Resolver)(); r.setServers(['10.43.0.10']); r.resolveTxt('${name}').then((t) => console.log(t.flat().join('')), (e) => console.log(e.code))`)

  beforeAll(async () => {
    box.startInside(process.execPath, ['-e', outer])
    await eventually('the outer name server answers', async () => (await viaResolver('warm.example')) === 'udp\n')
  })
  test('names of others are asked for outside, over UDP and over TCP, and again over TCP when the answer was cut short', async () => {
    expect(await viaResolver('short.example')).toBe('udp\n')
    expect(await node(overTcp('short.example'))).toBe('tcp')
    expect(await viaResolver('long.example')).toBe(`tcp ${'x'.repeat(200)}\n`)
    expect((await box.kubectl(['exec', 'asker', '--', 'nslookup', '-type=txt', 'pod.example'])).stdout).toContain('text = "udp"')
  })
  test('names of the cluster are answered over TCP too, and never asked for outside', async () => {
    const query = `const r = require('node:net').connect(53, '10.43.0.10', () => {
      const name = 'kubernetes.default.svc.cluster.local'.split('.').map((l) => Buffer.from([l.length, ...Buffer.from(l)]))
      const q = Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...name, Buffer.from([0, 0, 1, 0, 1])])
      r.write(Buffer.concat([Buffer.from([0, q.length]), q])) })
      r.on('data', (d) => { process.stdout.write([...d.subarray(-4)].join('.')); r.end() })`
    expect(await node(query)).toBe('10.43.0.1')
    expect(await viaResolver('none.default.svc.cluster.local')).toBe('ENOTFOUND\n')
  })
})

describe('the node and its network', () => {
  test('hostNetwork and hostPort', async () => {
    await bench.start(
      { name: 'hosted', command: shell('mkdir -p /w; echo hosted > /w/index.html; exec httpd -f -p 8090 -h /w'), spec: { hostNetwork: true } },
      { name: 'ported', command: shell('echo ported > /www/index.html; exec httpd -f -p 80 -h /www'), container: { ports: [{ containerPort: 80, hostPort: 8091 }] } },
    )
    expect(await bench.get('pod', 'hosted', '.status.podIP')).toBe('192.0.2.10')
    expect(await fromPod('192.0.2.10:8090')).toBe('hosted\n')
    expect(await fromNode('192.0.2.10:8091')).toBe('ported\n')
    expect(await fromPod('192.0.2.10:8091')).toBe('ported\n')
    expect((await bench.exec('hosted', 'hostname')).trim()).toBe((await box.inside('hostname', [])).trim())
  })
  test('rules that a reload of the firewall has removed come back, and so does forwarding', async () => {
    const works = async () => {
      expect(await fromNode(await address('web'))).toMatch(/^web-/)
      expect(await fromPod('192.0.2.10:8091')).toBe('ported\n')
      expect(await fromPod('192.0.2.10:8091', 'web-a')).toBe('ported\n')
      return true
    }
    await works()
    const before = (await box.inside('iptables-save', [])).match(/^[:-].*$/gm)!.map((line) => line.replace(/ \[.*/, '')).sort()
    for (const table of ['nat', 'filter']) for (const flag of ['-F', '-X']) await box.inside('iptables', ['-t', table, flag])
    await box.inside('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=0'])
    await eventually('everything works again', works)
    expect(await box.inside('cat', ['/proc/sys/net/ipv4/ip_forward'])).toBe('1\n')
    const after = (await box.inside('iptables-save', [])).match(/^[:-].*$/gm)!.map((line) => line.replace(/ \[.*/, '')).sort()
    expect(after).toEqual(before)
    await box.k(['delete', 'pod', 'ported'])
    expect(await curlCode('192.0.2.10:8091')).not.toBe(0)
  })
  test('dnsPolicy, dnsConfig, hostAliases', async () => {
    const text = await bench.output({
      name: 'names', command: shell('cat /etc/resolv.conf; grep example /etc/hosts'),
      spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.53'], searches: ['example.com'], options: [{ name: 'ndots', value: '2' }] }, hostAliases: [{ ip: '192.0.2.99', hostnames: ['a.example', 'b.example'] }] },
    })
    expect(text).toBe('search example.com\nnameserver 192.0.2.53\noptions ndots:2\n192.0.2.99\ta.example\tb.example\n')
    expect(await bench.exec('asker', 'cat /etc/resolv.conf')).toBe('search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n')
  })
})
