// gRPC over HTTP/2 on node:http2, which every process of ours has loaded anyway (source: grpc.io, PROTOCOL-HTTP2.md). No retries: callers know
// what may be repeated. A broken connection fails its calls with `Unavailable`, and the next call connects anew.
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type SecureClientSessionOptions } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { decode, encode, type Decoded, type Type } from './protobuf.ts'

const codeNames = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange',
  'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated',
] as const
type GrpcCode = (typeof codeNames)[number]

export class GrpcError extends Error {
  readonly code: GrpcCode
  constructor(code: GrpcCode, message: string) {
    super(message)
    this.name = 'GrpcError'
    this.code = code
  }
}

export interface Method<In = any, Out = any> {
  /** `/package.Service/Method`. */
  path: string
  request: Type<In, any>
  response: Type<any, Out>
}

interface CallOptions {
  timeoutMilliseconds?: number
  signal?: AbortSignal
  metadata?: Record<string, string>
}

export interface GrpcClient {
  call<In, Out>(method: Method<In, Out>, request: In, options?: CallOptions): Promise<Out>
  /** Ends with the stream; throws `GrpcError` when the server ends it with an error. Leaving the loop cancels the call. */
  stream<In, Out>(method: Method<In, Out>, request: In, options?: CallOptions & { opened?(): void }): AsyncIterable<Out>
  close(): void
}

/** `target` is `unix:///path`, `http://host:port` or `https://host:port`. */
export function createGrpcClient(target: string, tls: SecureClientSessionOptions = {}): GrpcClient {
  let session: ClientHttp2Session | undefined
  const current = () => {
    if (session && !session.closed && !session.destroyed) return session
    const opened = (session = openSession(target, tls))
    opened.on('goaway', () => session === opened && (session = undefined))
    opened.on('close', () => session === opened && (session = undefined))
    return opened
  }
  return {
    async call(method, request, options = {}) {
      let answer: { response: Decoded<typeof method.response> } | undefined
      for await (const response of run(current(), method, request, options)) answer = { response }
      if (!answer) throw new GrpcError('Internal', `${method.path}: the answer is empty`)
      return answer.response
    },
    stream: (method, request, options = {}) => run(current(), method, request, options),
    close: () => session?.destroy(),
  }
}

function openSession(target: string, tls: SecureClientSessionOptions): ClientHttp2Session {
  const path = /^unix:(?:\/\/)?(\/.*)$/.exec(target)?.[1]
  const settings = { enablePush: false, initialWindowSize: 1 << 20 }
  const session = path
    ? connectHttp2('http://localhost', { settings, createConnection: () => connectSocket(path) })
    : connectHttp2(target, { ...tls, settings })
  session.on('error', () => {})
  return session
}

async function* run<In, Out>(session: ClientHttp2Session, method: Method<In, Out>, request: In, options: CallOptions & { opened?(): void }): AsyncGenerator<Out> {
  const { timeoutMilliseconds, signal } = options
  if (signal?.aborted) throw new GrpcError('Canceled', 'the call was cancelled')
  const stream = session.request({
    ':method': 'POST', ':path': method.path, 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'mk8s', ...options.metadata,
    ...(timeoutMilliseconds ? { 'grpc-timeout': timeoutValue(timeoutMilliseconds) } : {}),
  })
  const outcome = outcomeOf(stream, options)
  stream.end(framed(encode(method.request, request)))
  try {
    for await (const payload of payloads(stream)) yield decode(method.response, payload)
    const failure = await outcome
    if (failure) throw failure
  } catch (error) {
    if (error instanceof GrpcError) throw error
    throw (await outcome) ?? new GrpcError('Unavailable', text(error))
  } finally {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL)
  }
}

/** Resolves when the stream is over: undefined for success, else the error to throw. Arms deadline and signal. */
function outcomeOf(stream: ClientHttp2Stream, { timeoutMilliseconds, signal, opened }: CallOptions & { opened?(): void }): Promise<GrpcError | undefined> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {}
    let cause: GrpcError | undefined
    const stop = (why: GrpcError) => {
      cause ??= why
      stream.destroy(why)
    }
    const onAbort = () => stop(new GrpcError('Canceled', 'the call was cancelled'))
    // The server keeps the deadline; this one is for a server that does not answer at all.
    const timer = timeoutMilliseconds ? setTimeout(() => stop(new GrpcError('DeadlineExceeded', 'context deadline exceeded')), timeoutMilliseconds + 500) : undefined
    signal?.addEventListener('abort', onAbort, { once: true })
    stream.on('response', (received) => {
      headers = { ...headers, ...received }
      opened?.()
    })
    stream.on('trailers', (received) => (headers = { ...headers, ...received }))
    stream.on('error', (error) => (cause ??= new GrpcError('Unavailable', text(error))))
    stream.on('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      resolve(cause ?? statusOf(headers))
    })
  })
}

function statusOf(headers: IncomingHttpHeaders): GrpcError | undefined {
  const status = headers['grpc-status']
  if (status === undefined) return new GrpcError('Unavailable', Number(headers[':status'] ?? 200) === 200 ? 'the connection was closed' : `HTTP status ${headers[':status']}`)
  const code = codeNames[Number(status)] ?? 'Unknown'
  return code === 'OK' ? undefined : new GrpcError(code, percentDecoded(String(headers['grpc-message'] ?? code)))
}

async function* payloads(stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    held.push(chunk)
    size += chunk.length
    if (size < neededBytes(held)) continue
    let all = held.length === 1 ? held[0]! : Buffer.concat(held, size)
    for (; all.length >= 5 && all.length >= 5 + all.readUInt32BE(1); all = all.subarray(5 + all.readUInt32BE(1))) yield all.subarray(5, 5 + all.readUInt32BE(1))
    held = [all]
    size = all.length
  }
}

/** How many bytes make the first message whole; 5 while its length is unknown. */
function neededBytes(held: Buffer[]): number {
  const head = held[0]!.length >= 5 ? held[0]! : Buffer.concat(held)
  return head.length < 5 ? 5 : 5 + head.readUInt32BE(1)
}

function framed(payload: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, payload])
}

const timeoutValue = (milliseconds: number) => (milliseconds < 1e8 ? `${Math.ceil(milliseconds)}m` : `${Math.ceil(milliseconds / 1000)}S`)
const text = (error: unknown) => (error instanceof Error ? error.message : String(error))

function percentDecoded(message: string): string {
  const raw = message.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(raw, 'latin1').toString()
}
