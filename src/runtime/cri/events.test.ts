import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openConnection } from './connection.ts'
import { createCriEvents } from './events.ts'
import { createUnderWay } from './under-way.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A containerd that takes subscriptions and answers `Version` as `answer` says. */
async function startContainerd(answer: () => 'ready' | 'starting'): Promise<{ socket: string; cut(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'mk8s-events-'))
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => void sessions.add(session))
  const end = (stream: ServerHttp2Stream, code: number, message: string, body = Buffer.alloc(0)) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': message }))
    stream.end(body)
  }
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    const method = String(headers[':path']).split('/').at(-1)
    if (method === 'Subscribe') stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    else if (method === 'Version' && answer() === 'ready') end(stream, 0, '', Buffer.alloc(5))
    else if (method === 'Version') end(stream, 2, 'server is not initialized yet')
    else end(stream, 12, `method ${method} not implemented`)
  })
  const socket = join(directory, 'containerd.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  const cut = () => sessions.forEach((session) => session.destroy())
  cleanups.push(() => rmSync(directory, { recursive: true }), () => (cut(), server.close()))
  return { socket, cut }
}

test('what was missed is listed also when containerd takes the subscription before it has recovered its state', async () => {
  let state: 'ready' | 'starting' = 'starting'
  let asked = 0
  const { socket, cut } = await startContainerd(() => (asked++, state))
  const connection = openConnection(socket)
  let lost = 0
  const subscription = createCriEvents(connection, createUnderWay()).subscribe(() => {}, () => lost++)
  cleanups.push(() => connection.grpc.close(), () => subscription.stop())
  const recovers = async () => {
    const [before, refused] = [lost, asked]
    await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(refused + 2)
    expect(lost).toBe(before)
    state = 'ready'
    await expect.poll(() => lost, { timeout: 20_000 }).toBeGreaterThan(before)
  }
  await recovers()
  state = 'starting'
  cut()
  await recovers()
}, 60_000)
