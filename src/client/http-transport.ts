// Requests to an API server over HTTP/2, as a client certificate or a bearer token says.
import http2 from 'node:http2'
import type { WatchEvent } from '../api/exchange.ts'
import { parseJson, stringify } from '../api/codec/json.ts'
import type { Stored } from '../api/object.ts'
import { StatusError, timeoutError, unavailableError } from '../api/status-error.ts'
import { sleep } from '../base/clock.ts'
import { HttpSession, type HttpSessionOptions } from './http-session.ts'
import { deepFreeze, errorOf, type Transport, type TransportRequest } from './transport.ts'

interface HttpTransportOptions extends Omit<HttpSessionOptions, 'random'> {
  /** Asked for every request, so that a refreshed token is used. */
  token?: () => string | undefined | Promise<string | undefined>
  userAgent?: string
  /** How long an answer may take, watches excepted; default 60 s. */
  timeoutMilliseconds?: number
  random?: () => number
}

/** How often a server that is busy is asked again, when it says when. */
const busyAttempts = 5

interface Answer {
  status: number
  contentType: string
  stream: http2.ClientHttp2Stream
}

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions
  readonly #session: HttpSession

  constructor(options: HttpTransportOptions) {
    this.#options = options
    this.#session = new HttpSession({ random: Math.random, ...options })
  }

  /** An error with code 504 means that nobody knows whether a write has happened; one with 503, that the server has not seen it. */
  async send(request: TransportRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(request)
      } catch (error) {
        const wait = error instanceof StatusError && error.code === 429 ? error.status.details?.retryAfterSeconds : undefined
        if (!wait || attempt === busyAttempts) throw error
        await sleep(this.#options.clock, wait * 1000, request.signal)
      }
    }
  }

  async #sendOnce(request: TransportRequest): Promise<unknown> {
    const timeout = new AbortController()
    const timer = this.#options.clock.after(this.#options.timeoutMilliseconds ?? 60_000, () => timeout.abort(timeoutError('the server did not answer in time')))
    const signal = request.signal ? AbortSignal.any([request.signal, timeout.signal]) : timeout.signal
    try {
      const { status, contentType, stream } = await this.#open(request, signal)
      const content = contentOf(await read(stream), contentType)
      if (status >= 400) throw errorOf(status, content)
      return content
    } catch (error) {
      throw timeout.signal.aborted ? timeout.signal.reason : asStatusError(error, request)
    } finally {
      timer.cancel()
    }
  }

  async *watch(request: TransportRequest & { signal: AbortSignal }): AsyncGenerator<WatchEvent<Stored>> {
    let answer: Answer | undefined
    try {
      answer = await this.#open(request, request.signal)
      if (answer.status >= 400) throw errorOf(answer.status, contentOf(await read(answer.stream), answer.contentType))
      for await (const line of lines(answer.stream)) yield deepFreeze(parseJson(line).value) as WatchEvent<Stored>
    } catch (error) {
      throw asStatusError(error, request)
    } finally {
      answer?.stream.close(http2.constants.NGHTTP2_CANCEL)
    }
  }

  /** Makes the next request use a new connection: after the client certificate was renewed. */
  async renew(): Promise<void> {
    await this.#session.renew()
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  async #open(request: TransportRequest, signal: AbortSignal): Promise<Answer> {
    const { token, userAgent = 'mk8s' } = this.#options
    const bearer = await token?.()
    const session = await this.#session.get()
    const query = request.query?.toString()
    const body = request.body === undefined ? undefined : stringify(request.body)
    const headers: http2.OutgoingHttpHeaders = {
      ':method': request.method, ':path': query ? `${request.path}?${query}` : request.path, accept: 'application/json', 'user-agent': userAgent,
      ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
      ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    }
    return new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === undefined })
      const onAbort = () => {
        stream.close(http2.constants.NGHTTP2_CANCEL)
        this.#session.verify(session)
        reject(signal.reason)
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      stream.on('error', reject)
      stream.once('close', () => {
        signal.removeEventListener('abort', onAbort)
        reject(new Error('the connection was closed before an answer came'))
      })
      stream.once('response', (answer) => resolve({ status: Number(answer[':status']), contentType: String(answer['content-type'] ?? ''), stream }))
      if (body !== undefined) stream.end(body)
    })
  }
}

async function read(stream: http2.ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  if (stream.rstCode) throw new Error('the answer was cut off')
  return Buffer.concat(chunks)
}

async function* lines(stream: http2.ClientHttp2Stream): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = rest.length ? Buffer.concat([...rest, chunk.subarray(start, end)]) : chunk.subarray(start, end)
      rest = []
      start = end + 1
      if (line.length) yield line
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
}

const contentOf = (bytes: Buffer, contentType: string): unknown =>
  contentType.startsWith('application/json') && bytes.length ? deepFreeze(parseJson(bytes).value) : bytes.toString('utf8')

function asStatusError(error: unknown, request: TransportRequest): unknown {
  if (error instanceof StatusError || request.signal?.aborted) return error
  const message = `${request.method} ${request.path}: ${(error as Error).message}`
  return request.method === 'GET' ? unavailableError(message) : timeoutError(message)
}
