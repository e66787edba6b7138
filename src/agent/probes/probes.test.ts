import { createServer } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Probe } from '../../api/generated/types.ts'
import { FakeClock } from '../../base/clock.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import { RuntimeError } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import type { ProbeKind, ProbeResult } from '../pod/init-actions.ts'
import { asAgentPod } from '../pod/types.ts'
import { runProbe } from './run-probe.ts'
import { startProbe } from './running-probe.ts'

const container = { kind: 'regular' as const, spec: { name: 'c', ports: [{ name: 'web', containerPort: 0 }] } }
const pod = asAgentPod({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [container.spec] } })
const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

async function listening(server: { listen(port: number, host: string, ready: () => void): unknown; close(): unknown; address(): unknown }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const ask = (probe: Probe, runtime: Partial<ContainerRuntime> = {}) =>
  runProbe({ probe, runtime: runtime as ContainerRuntime, container, containerId: 'id', podIp: '127.0.0.1', timeoutSeconds: 1, signal: AbortSignal.timeout(20_000) })

describe('one question', () => {
  test('over HTTP follows redirects on the same host only, and sends the headers it is given', async () => {
    const seen: Record<string, unknown>[] = []
    const port = await listening(createServer((request, response) => {
      seen.push(request.headers)
      const location = { '/away': 'http://other.invalid/', '/here': '/ok' }[request.url ?? '']
      response.writeHead(location ? 302 : request.url === '/ok' ? 200 : 500, location ? { location } : {}).end('body')
    }))
    expect(await ask({ httpGet: { path: '/here', port, httpHeaders: [{ name: 'Host', value: 'a.example' }, { name: 'X', value: 'y' }] } })).toEqual({ result: 'success', output: 'body' })
    expect(seen[0]).toMatchObject({ 'user-agent': 'kube-probe/1.36', host: 'a.example', x: 'y' })
    expect((await ask({ httpGet: { path: '/away', port } })).result).toBe('warning')
    expect(await ask({ httpGet: { path: '/bad', port } })).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 500' })
  })
  test('to a closed port fails in the words of Go', async () => {
    const server = createServer()
    const port = await listening(server)
    await new Promise((resolve) => server.close(resolve))
    expect(await ask({ httpGet: { path: '/x', port } })).toEqual({ result: 'failure', output: `Get "http://127.0.0.1:${port}/x": dial tcp 127.0.0.1:${port}: connect: connection refused` })
    expect(await ask({ tcpSocket: { port } })).toEqual({ result: 'failure', output: `dial tcp 127.0.0.1:${port}: connect: connection refused` })
  })
  test('over gRPC reads the health of a service', async () => {
    const server = createHttp2Server()
    server.on('stream', (stream: ServerHttp2Stream) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString()
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': service === 'unknown' ? '5' : '0', 'grpc-message': 'no such service' }))
        stream.end(service === 'unknown' ? undefined : Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]))
      })
    })
    const port = await listening(server)
    expect((await ask({ grpc: { port } })).result).toBe('success')
    expect(await ask({ grpc: { port, service: 'sick' } })).toEqual({ result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' })
    expect((await ask({ grpc: { port, service: 'unknown' } })).result).toBe('failure')
  })
  test('by a command counts its exit code, and no answer of the runtime counts for nothing', async () => {
    const answer = (exitCode: number) => ({ execSync: async () => ({ exitCode, stdout: Buffer.from('out'), stderr: Buffer.from('err') }) })
    expect(await ask({ exec: { command: ['x'] } }, answer(0))).toEqual({ result: 'success', output: 'outerr' })
    expect((await ask({ exec: { command: ['x'] } }, answer(1))).result).toBe('failure')
    expect(await ask({ exec: { command: ['x', 'y'] } }, { execSync: async () => Promise.reject(new RuntimeError('DeadlineExceeded', 'z')) }))
      .toEqual({ result: 'failure', output: 'command timed out: "x y" timed out after 1s' })
    expect((await ask({ exec: { command: ['x'] } }, { execSync: async () => Promise.reject(new RuntimeError('Unavailable', 'z')) })).result).toBe('error')
  })
})

describe('answers over time', () => {
  /** Asks until the answers are used up, and tells what was reported. */
  async function reported(kind: ProbeKind, probe: Probe, answers: boolean[]): Promise<ProbeResult[]> {
    const clock = new FakeClock()
    const results: ProbeResult[] = []
    let asked = 0
    const runtime = { execSync: async () => ({ exitCode: answers[asked++] ? 0 : 1, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }) } as unknown as ContainerRuntime
    const recorder: Recorder = { pod() {}, container() {}, node() {} }
    const running = startProbe({
      runtime, clock, recorder, random: () => 0, pod, container, probe: { exec: { command: ['x'] }, ...probe }, kind, containerId: 'id',
      startedAt: clock.now(), podIp: () => '', report: (result) => void results.push(result),
    })
    closing.push(() => running.stop())
    for (let i = 0; i <= answers.length + 2 && asked < answers.length; i++) {
      clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    running.stop()
    expect(asked).toBe(answers.length)
    return results
  }
  const each = { periodSeconds: 1 }
  test('count only when their threshold is reached', async () => {
    expect(await reported('readiness', { ...each, successThreshold: 2, failureThreshold: 2, initialDelaySeconds: 1 }, [true, false, true, true, false, true, false, false])).toEqual(['success', 'failure'])
  })
  test('end the liveness probe of a container that is to be killed', async () => {
    expect(await reported('liveness', { ...each, failureThreshold: 2 }, [true, false, false])).toEqual(['success', 'failure'])
  })
  test('end the startup probe when it has succeeded', async () => {
    expect(await reported('startup', { ...each, failureThreshold: 10 }, [false, false, true])).toEqual(['success'])
  })
})
