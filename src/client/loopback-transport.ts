// Requests to the API server in the same process: the whole pipeline, no sockets, and objects shared with the server's cache.
import type { ApiBody, ApiHandler, ApiRequest, ApiResponse, WatchEvent } from '../api/exchange.ts'
import { parseJson, stringify } from '../api/codec/json.ts'
import type { KubeObject, Stored } from '../api/object.ts'
import { internalError } from '../api/status-error.ts'
import type { UserInfo } from '../api/user.ts'
import { createSlots } from '../base/slots.ts'
import { deepFreeze, errorOf, type Transport, type TransportRequest } from './transport.ts'

/** Of one user, watches aside: no burst may use up what the server answers at a time. */
const mostAtOnce = 50

export class LoopbackTransport implements Transport {
  readonly #handler: ApiHandler
  readonly #user: UserInfo
  readonly #closed = new AbortController()
  readonly #slots = createSlots(mostAtOnce)

  constructor(handler: ApiHandler, user: UserInfo) {
    this.#handler = handler
    this.#user = user
  }

  async send(request: TransportRequest): Promise<unknown> {
    return this.#slots(async () => contentOf((await this.#handle(request)).body))
  }

  async *watch(request: TransportRequest & { signal: AbortSignal }): AsyncGenerator<WatchEvent<Stored>> {
    const { body } = await this.#handle(request)
    if (body.kind !== 'watch') throw internalError(`a watch was answered with ${body.kind}`)
    yield* body.events
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the transport is closed'))
  }

  async #handle(request: TransportRequest): Promise<ApiResponse> {
    const response = await this.#handler.handle({
      method: request.method, path: request.path, query: request.query ?? new URLSearchParams(), user: this.#user, acceptObjects: true,
      headers: {
        accept: 'application/json', 'user-agent': 'mk8s', ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      body: bodyOf(request), signal: request.signal ? AbortSignal.any([request.signal, this.#closed.signal]) : this.#closed.signal,
    })
    if (response.status >= 400) throw errorOf(response.status, await contentOf(response.body))
    return response
  }
}

const bodyOf = ({ body, contentType }: TransportRequest): ApiRequest['body'] =>
  body === undefined ? undefined : contentType === undefined ? (body as KubeObject) : Buffer.from(stringify(body))

async function contentOf(body: ApiBody): Promise<unknown> {
  if (body.kind === 'object') return body.object
  if (body.kind === 'bytes') return parse(body.bytes)
  if (body.kind === 'watch') throw internalError('a request was answered with a watch')
  const chunks: Buffer[] = []
  for await (const chunk of body.chunks) chunks.push(chunk)
  return parse(Buffer.concat(chunks))
}

const parse = (bytes: Buffer): unknown => (looksLikeJson(bytes) ? deepFreeze(parseJson(bytes).value) : bytes.toString('utf8'))

const looksLikeJson = (bytes: Buffer): boolean => bytes[0] === 0x7b
