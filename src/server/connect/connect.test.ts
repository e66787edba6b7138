import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { endpoints, services } from '../../api/refs.ts'
import { FakeClock } from '../../base/clock.ts'
import { FakeRuntime } from '../../runtime/fake.ts'
import { openForwardedPort } from '../../streaming/port-forward/client.ts'
import { openRemoteProcess } from '../../streaming/remote-command/client.ts'
import { spdyProtocols } from '../../streaming/remote-command/protocol.ts'
import { dialSpdy } from '../../streaming/spdy/upgrade.ts'
import { splitName } from './proxy.ts'
import { rewriteHtml, rewriteUrl } from './rewrite.ts'
import { startTestCluster } from '../../../test/support/connect-cluster.ts'
import { startLoggedContainer } from '../../../test/support/logged-container.ts'

const pod = '/api/v1/namespaces/default/pods/web'
const both = { containers: [{ name: 'main', image: 'x' }, { name: 'side', image: 'x' }] }
const directory = mkdtempSync(join(tmpdir(), 'mk8s-connect-test-'))
let cluster: Awaited<ReturnType<typeof startTestCluster>>

beforeAll(async () => {
  const runtime = new FakeRuntime({ clock: new FakeClock(), images: ['x'] })
  cluster = await startTestCluster(runtime)
  const { sandboxId, id } = await startLoggedContainer(runtime, directory)
  cluster.sandboxes.set('default/web', sandboxId)
  const common = { image: 'x', imageID: '', ready: true, restartCount: 0 }
  await cluster.addPod('web', both, {
    containerStatuses: [
      { ...common, name: 'main', containerID: `containerd://${id}`, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } },
      { ...common, name: 'side', state: { waiting: { reason: 'ContainerCreating' } } },
    ],
  })
})
afterAll(async () => {
  await cluster?.stop()
  rmSync(directory, { recursive: true })
})

async function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const call = request(`${cluster.url}${path}`, { ca: cluster.ca, method: options.method ?? 'GET', headers: options.headers, agent: false })
  call.end(options.body)
  const response = await new Promise<IncomingMessage>((resolve, reject) => call.once('response', resolve).once('error', reject))
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

describe('pods/log', () => {
  it.each([
    ['container=main', 200, 'one\ntwo\n'],
    ['container=main&tailLines=1&timestamps=true', 200, '2026-01-01T00:00:02.000000000Z two\n'],
  ])('%s answers %i', async (query, status, body) => expect(await ask(`${pod}/log?${query}`)).toMatchObject({ status, body }))

  it.each([
    ['', 400, 'a container name must be specified for pod web, choose one of: [main side]'],
    ['container=none', 400, 'container none is not valid for pod web'],
    ['container=side', 400, 'container "side" in pod "web" is waiting to start: ContainerCreating'],
    ['container=main&previous=true', 400, 'previous terminated container "main" in pod "web" not found'],
    ['container=main&tailLines=-1', 422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
  ])('%s is refused with %i', async (query, status, message) => {
    const answer = await ask(`${pod}/log?${query}`)
    expect({ status: answer.status, message: JSON.parse(answer.body).message }).toEqual({ status, message })
  })
})

it('pods/log goes over a WebSocket, too', async () => {
  for (const [protocol, expected] of [['binary.k8s.io', 'one\ntwo\n'], ['base64.binary.k8s.io', Buffer.from('one\ntwo\n').toString('base64')]] as const) {
    const ws = new WebSocket(`${cluster.url.replace('https', 'wss')}${pod}/log?container=main`, protocol, { ca: cluster.ca })
    const received: Buffer[] = []
    ws.on('message', (message: Buffer) => received.push(message))
    await once(ws, 'close')
    expect(Buffer.concat(received).toString()).toBe(expected)
  }
})

describe('streams', () => {
  const dial = (path: string, protocols: readonly string[]) => dialSpdy(`${cluster.url}${pod}/${path}`, { protocols, tls: { ca: cluster.ca } })

  it('run a command', async () => {
    const { connection } = await dial('exec?container=main&command=cat&stdin=true&stdout=true', spdyProtocols)
    const process = openRemoteProcess(connection, { stdin: true, stdout: true, stderr: false, tty: false })
    process.stdin!.end('through three servers\nexit 4\n')
    expect(await text(process.stdout!)).toBe('through three servers\nexit 4\n')
    expect(await process.exit).toBe(4)
  })

  it('forward a port', async () => {
    const { connection } = await dial('portforward', ['portforward.k8s.io'])
    const stream = openForwardedPort(connection, 80)
    stream.end('echo')
    expect(await text(stream)).toBe('echo')
  })

  it('are refused in the words of the server that refuses', async () => {
    await expect(dial('exec?container=side&command=cat&stdout=true', spdyProtocols)).rejects.toThrow('container not found ("side")')
    await expect(dial('exec?command=cat&stdout=true', spdyProtocols)).rejects.toThrow('a container name must be specified for pod web, choose one of: [main side]')
    expect(JSON.parse((await ask(`${pod}/exec?container=main&command=cat&stdout=true`, { method: 'POST' })).body).message).toBe('Upgrade request required')
  })
})

describe('proxies', () => {
  const address = Object.values(networkInterfaces()).flat().find((found) => found && found.family === 'IPv4' && !found.internal)?.address

  it('reach the kubelet', async () => {
    expect((await ask('/api/v1/nodes/node/proxy/healthz', { headers: { accept: 'text/html' } })).body).toBe('ok')
    expect(await ask('/api/v1/nodes/node/proxy')).toMatchObject({ status: 301, headers: { location: '/api/v1/nodes/node/proxy/' } })
    expect((await ask('/api/v1/nodes/none/proxy/healthz')).status).toBe(404)
  })

  it.runIf(address)('reach pods and services with any method, and lead links back', async () => {
    const backend = createServer((incoming, outgoing) => {
      if (incoming.url === '/page') return void outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/next">')
      if (incoming.url === '/moved') return void outgoing.writeHead(302, { location: '/next' }).end()
      void text(incoming).then((body) => outgoing.end(`${incoming.method} ${incoming.url} ${body}`))
    }).listen(0, address)
    await new Promise((resolve) => backend.once('listening', resolve))
    const { port } = backend.address() as { port: number }
    await cluster.addPod('backend', { containers: [{ name: 'main', image: 'x', ports: [{ containerPort: port }] }] }, { podIPs: [{ ip: address! }], podIP: address })
    await cluster.client.resource(services, 'default').create({ metadata: { name: 'svc', namespace: 'default' }, spec: { ports: [{ name: 'web', port: 80, targetPort: port }] } })
    await cluster.client.resource(endpoints, 'default').create({
      metadata: { name: 'svc', namespace: 'default' },
      subsets: [{ addresses: [{ ip: address!, targetRef: { kind: 'Pod', name: 'backend', namespace: 'default' } }], ports: [{ name: 'web', port }] }],
    })
    const base = '/api/v1/namespaces/default'
    expect((await ask(`${base}/pods/backend/proxy/a%2Fb?x=1`, { method: 'PUT', body: 'content' })).body).toBe('PUT /a%2Fb?x=1 content')
    for (const name of ['svc:80', 'http:svc:web']) expect((await ask(`${base}/services/${name}/proxy/x`)).body).toBe('GET /x ')
    expect((await ask(`${base}/pods/backend/proxy/page`)).body).toBe(`<a href="${base}/pods/backend/proxy/next">`)
    expect((await ask(`${base}/services/svc:web/proxy/moved`)).headers.location).toBe(`${base}/services/svc:web/proxy/next`)
    expect(JSON.parse((await ask(`${base}/services/svc:81/proxy/`)).body).message).toBe('no service port 81 found for service "svc"')
    expect(JSON.parse((await ask(`${base}/services/svc:other/proxy/`)).body).message).toBe('no endpoints available for service "svc:other"')
    await new Promise((resolve) => backend.close(resolve))
  })

  it.each([
    ['web', { secure: false, name: 'web', port: '' }],
    ['web:80', { secure: false, name: 'web', port: '80' }],
    ['https:web:', { secure: true, name: 'web', port: '' }],
    ['ftp:web:21', undefined],
    [':80', undefined],
  ])('read the name %s', (id, expected) => expect(splitName(id)).toEqual(expected))

  const mount = { prefix: '/proxy', backendHost: '10.0.0.1:80', requestHost: 'server:6443' }
  it.each([
    ['/a?b#c', '/proxy/a?b#c'],
    ['/proxy/a', '/proxy/a'],
    ['a', 'a'],
    ['http://10.0.0.1:80/a', '/proxy/a'],
    ['http://elsewhere/a', 'http://elsewhere/a'],
    ['https://server:6443/proxy/a', 'https://server:6443/proxy/a'],
    ['#top', '#top'],
  ])('lead %s to %s', (link, expected) => expect(rewriteUrl(link, mount)).toBe(expected))

  it('change links only', () => {
    expect(rewriteHtml('<p title="/x">/y</p><img alt="a>b" src=\'/z\'><A HREF="/w">', mount)).toBe('<p title="/x">/y</p><img alt="a>b" src="/proxy/z"><A HREF="/proxy/w">')
  })
})
