// One HTTP request handed on, and its answer as an `ApiResponse` whose body flows at the reader's pace.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import { originOf, type Target } from './kubelet.ts'

/** Headers of one connection, not of the request; and credentials, which end here. */
const connectionHeaders = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-connection', 'http2-settings'])
const credentials = /^(authorization|impersonate-.*|:.*)$/

export function forwardableHeaders(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const named = new Set((headers.connection ?? '').toLowerCase().split(',').map((name) => name.trim()))
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] =>
    entry[1] !== undefined && !connectionHeaders.has(entry[0]) && !credentials.test(entry[0]) && !named.has(entry[0])))
}

interface ForwardOptions {
  method: string
  /** With query. */
  path: string
  headers: Record<string, string>
  body?: Buffer
  signal: AbortSignal
}

/** Rejects when the target cannot be reached; the message is what Go's client says first. */
export async function forward(target: Target, { method, path, headers, body, signal }: ForwardOptions): Promise<IncomingMessage> {
  const { request } = target.secure ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const call = request({ host: target.host, port: target.port, method, path, headers, agent: false, signal, ...target.tls })
    call.once('response', resolve)
    call.on('error', (error) => reject(new Error(`${goVerb(method)} ${JSON.stringify(`${originOf(target)}${path}`)}: ${describe(error, target)}`, { cause: error })))
    call.end(body)
  })
}

const goVerb = (method: string) => method[0] + method.slice(1).toLowerCase()

/** The commonest failures in the words users search for. */
function describe(error: NodeJS.ErrnoException, { host, port }: Target): string {
  const dial = `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}`
  if (error.code === 'ECONNREFUSED') return `${dial}: connect: connection refused`
  if (error.code === 'EHOSTUNREACH') return `${dial}: connect: no route to host`
  if (error.code === 'ETIMEDOUT') return `${dial}: i/o timeout`
  if (error.code === 'ECONNRESET') return 'EOF'
  return error.message
}

export function streamAnswer(response: IncomingMessage, headers: ApiResponse['headers'] = answerHeaders(response.headers)): ApiResponse {
  return { status: response.statusCode ?? 502, headers, body: { kind: 'stream', chunks: response as AsyncIterable<Buffer> } }
}

export function answerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !connectionHeaders.has(name) && !name.startsWith('access-control-'))
  return Object.fromEntries(kept) as Record<string, string | string[]>
}

export const bodyOf = ({ body }: ApiRequest): Buffer | undefined => (body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)))

export async function readUpTo(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if ((size += chunk.length) >= most) break
  }
  return Buffer.concat(chunks).subarray(0, most)
}
