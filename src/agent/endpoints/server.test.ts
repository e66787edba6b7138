import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { ensureServerPki, type ServerPki } from '../../pki/server-pki.ts'
import { FakeRuntime } from '../../runtime/fake.ts'
import type { PodLookup } from '../pod-lookup.ts'
import { kubeletEndpoints, type Endpoints } from './server.ts'
import { matchPattern } from './routes.ts'
import { startLoggedContainer } from '../../../test/support/logged-container.ts'

let directory: string
let pki: ServerPki
let serving: ServerPki['serving']
let endpoints: Endpoints
let stop: () => Promise<void>

const pod = (id: string): Pod => ({
  metadata: { name: 'web', namespace: 'default', uid: 'uid-web' },
  spec: { containers: [{ name: 'main', image: 'x' }, { name: 'slow', image: 'x' }] },
  status: {
    containerStatuses: [
      { name: 'main', image: 'x', imageID: '', ready: true, restartCount: 0, containerID: `containerd://${id}`, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } },
      { name: 'slow', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } },
    ],
  },
})

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-endpoints-'))
  pki = await ensureServerPki({
    directory, clock: systemClock, nodeName: 'node', sans: [], nodeAddresses: [], clusterDomain: 'cluster.local', serviceIp: '10.43.0.1',
  })
  serving = pki.kubelet.serving
  const clock = new FakeClock()
  const runtime = new FakeRuntime({ clock, images: ['x'], execSync: (_container, command) => ({ exitCode: 0, stdout: Buffer.from(command.join('+')), stderr: Buffer.alloc(0) }) })
  const { sandboxId, id, logPath } = await startLoggedContainer(runtime, join(directory, 'logs'))
  const found = pod(id)
  const pods: PodLookup = {
    pods: () => [found], pod: (namespace, name) => (namespace === 'default' && name === 'web' ? found : undefined), sandboxId: () => sandboxId,
    container: (_namespace, _name, container) => (container === 'main' ? { pod: found, id, state: 'running', logPath, previous: undefined } : undefined),
  }
  endpoints = kubeletEndpoints({
    address: '127.0.0.1', port: 0, tls: () => ({ ...serving, clientCa: pki.clientCa.certificate }),
    access: {
      authenticate: async ({ certificate, bearerToken }) => (certificate ? { name: certificate.commonName, groups: certificate.organizations } : bearerToken === 'viewer' ? { name: 'viewer', groups: [] } : undefined),
      authorize: async ({ user, subresources }) => user.groups.includes('system:masters') || subresources.includes('metrics'),
    },
    context: { nodeName: 'node', pods, runtime, clock, log: silentLogger, configuration: () => ({ kind: 'KubeletConfiguration' }) },
  })
  const running = await endpoints.start(new AbortController().signal)
  stop = () => running.stop(AbortSignal.timeout(5000))
})
afterAll(async () => {
  await stop()
  rmSync(directory, { recursive: true })
})

async function ask(path: string, options: { method?: string; headers?: Record<string, string>; asNobody?: boolean } = {}) {
  const identity = options.asNobody ? {} : { key: pki.kubeletAccess.key, cert: pki.kubeletAccess.certificate }
  const agent = new Agent({ ca: pki.serverCa.certificate, ...identity })
  const call = request({ host: '127.0.0.1', port: endpoints.port(), path, method: options.method ?? 'GET', headers: options.headers, agent })
  call.end()
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => call.once('response', resolve).once('error', reject))
  const body = await text(response)
  agent.destroy()
  return { status: response.statusCode, body }
}

describe('access', () => {
  it.each([
    ['nobody', { asNobody: true }, 401, 'Unauthorized'],
    ['a viewer, for pods', { asNobody: true, headers: { authorization: 'Bearer viewer' } }, 403, 'Forbidden (user=viewer, verb=get, resource=nodes, subresource(s)=[pods proxy])\n'],
  ])('is refused to %s', async (_who, options, status, body) => expect(await ask('/pods', options)).toEqual({ status, body }))

  it('is given for the subresource allowed', async () => {
    expect((await ask('/metrics/resource', { asNobody: true, headers: { authorization: 'Bearer viewer' } })).body).toContain('container_memory_working_set_bytes{container="main",namespace="default",pod="web"}')
  })
})

it('shows a renewed certificate to the next connection', async () => {
  const shown = () => new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: endpoints.port(), ca: pki.serverCa.certificate }, () => (resolve(socket.getPeerX509Certificate()!.toString()), socket.destroy())).on('error', reject)
  })
  expect(await shown()).toBe(serving.certificate)
  serving = pki.serving
  expect(await shown()).toBe(pki.serving.certificate)
})

describe('paths', () => {
  it.each([
    ['/healthz', 200, 'ok'],
    ['/nothing', 404, '404 page not found\n'],
    ['/exec/default/web/main', 400, 'Upgrade request required'],
    ['/containerLogs/default/web/main', 200, 'one\ntwo\n'],
    ['/containerLogs/default/web/main?tailLines=1', 200, 'two\n'],
    ['/containerLogs/default/web/main?tailLines=-1', 422, '{"message": "Invalid request."}'],
    ['/containerLogs/default/none/main', 404, 'pod "none" does not exist'],
    ['/containerLogs/default/web/none', 404, 'container "none" not found in pod "web"'],
    ['/containerLogs/default/web/slow', 400, 'container "slow" in pod "web" is waiting to start: ContainerCreating'],
    ['/containerLogs/default/web/main?previous=true', 400, 'previous terminated container "main" in pod "web" not found'],
    ['/logs/../../etc/passwd', 404, '404 page not found\n'],
  ])('%s answers %i', async (path, status, body) => expect(await ask(path)).toEqual({ status, body }))

  it('lists pods, running ones, statistics and the configuration', async () => {
    const json = async (path: string) => JSON.parse((await ask(path)).body)
    expect(await json('/pods')).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'web' } }] })
    expect(await json('/runningpods/')).toMatchObject({ items: [{ metadata: { name: 'web' }, spec: { containers: [{ name: 'main' }] } }] })
    expect(await json('/configz')).toEqual({ kubeletconfig: { kind: 'KubeletConfiguration' } })
    expect(await json('/stats/summary')).toMatchObject({ node: { nodeName: 'node' }, pods: [{ podRef: { name: 'web', namespace: 'default' }, containers: [{ name: 'main' }] }] })
  })

  it('runs a command', async () => {
    expect(await ask('/run/default/web/main?cmd=echo%20hello', { method: 'POST' })).toEqual({ status: 200, body: 'echo+hello' })
  })

  it.each([
    ['/a/{x}', '/a/b%2Fc', { x: 'b/c' }],
    ['/a/{x}', '/a/', undefined],
    ['/a/{x}', '/a/b/c', undefined],
    ['/a/{rest*}', '/a/b/c', { rest: 'b/c' }],
  ])('pattern %s takes %s as %j', (pattern, path, params) => expect(matchPattern(pattern, path)).toEqual(params))
})
