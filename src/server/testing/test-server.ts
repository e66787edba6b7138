// The whole API server in the test's own process, on MemoryStorage, without a socket.
import { silentLogger } from '../../base/logger.ts'
import { systemClock } from '../../base/clock.ts'
import type { ApiRequest } from '../../api/exchange.ts'
import { builtinResources } from '../../api/resources/index.ts'
import { mastersUser, type UserInfo } from '../../api/user.ts'
import { MemoryStorage } from '../../storage/memory.ts'
import { createApiServer, type ApiServer, type ApiServerOptions } from '../api-server.ts'

interface TestAnswer {
  status: number
  headers: Record<string, string | string[]>
  /** Parsed JSON. */
  body: Json
  text: string
}

/** What a test reads without knowing its type. */
export interface Json {
  [key: string]: Json
}

interface TestRequest {
  body?: unknown
  contentType?: string
  headers?: Record<string, string>
  user?: UserInfo
}

export interface TestServer {
  readonly server: ApiServer
  /** `request('GET /api/v1/pods?limit=1')`; a body is sent as JSON, unless it is text already. */
  request(line: string, options?: TestRequest): Promise<TestAnswer>
  /** Events of a watch, one by one. */
  watch(path: string, options?: { signal?: AbortSignal; headers?: Record<string, string> }): AsyncGenerator<{ type: string; object: Json }>
  close(): Promise<void>
}

export async function startTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const storage = new MemoryStorage({ clock: systemClock })
  const server = await createApiServer({
    storage, definitions: builtinResources, clock: systemClock, log: silentLogger,
    createAuthorizer: () => ({ authorize: () => ({ verdict: 'allow', reason: '' }) }), ...options,
  })
  const requestOf = (line: string, { body, contentType = 'application/json', headers, user = mastersUser }: TestRequest = {}, signal = new AbortController().signal): ApiRequest => {
    const [method, target = '/'] = line.split(' ')
    const [path, query] = target.split('?')
    return {
      method: method as ApiRequest['method'], path: path!, query: new URLSearchParams(query), user, signal,
      headers: { 'user-agent': 'test/1', ...(body === undefined ? {} : { 'content-type': contentType }), ...headers },
      ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
    }
  }
  return {
    server,
    async request(line, request) {
      const { status, headers, body } = await server.handle(requestOf(line, request))
      const text = body.kind === 'bytes' ? body.bytes.toString() : body.kind === 'stream' ? await textOf(body.chunks) : ''
      return { status, headers, text, body: String(headers['content-type']).includes('json') ? JSON.parse(text) : {} }
    },
    async *watch(path, { signal, headers } = {}) {
      const { body } = await server.handle(requestOf(`GET ${path}`, { headers }, signal))
      if (body.kind !== 'stream') throw new Error('not a watch')
      let rest = ''
      for await (const chunk of body.chunks) {
        const lines = (rest + chunk.toString()).split('\n')
        rest = lines.pop()!
        for (const line of lines) yield JSON.parse(line)
      }
    },
    async close() {
      server.stop()
      await storage.close()
    },
  }
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString()
}
