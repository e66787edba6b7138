// One request on the wire, whichever version of HTTP carries it.
import type { ServerResponse, IncomingMessage } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Readable, Writable } from 'node:stream'

export interface Wire {
  readonly method: string
  /** With the query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly input: Readable
  readonly output: Writable
  respond(status: number, headers: Record<string, string | string[]>): void
}

export function http2Wire(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Wire {
  return {
    method: headers[constants.HTTP2_HEADER_METHOD] as string,
    target: headers[constants.HTTP2_HEADER_PATH] as string,
    headers: headers as Record<string, string | undefined>,
    input: stream, output: stream,
    respond(status, answer) {
      if (!stream.destroyed && !stream.headersSent) stream.respond({ ':status': status, ...answer })
    },
  }
}

export function http1Wire(message: IncomingMessage, response: ServerResponse): Wire {
  return {
    method: message.method ?? 'GET',
    target: message.url ?? '/',
    headers: message.headers as Record<string, string | undefined>,
    input: message, output: response,
    respond(status, answer) {
      if (!response.headersSent) response.writeHead(status, answer)
    },
  }
}

export function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const at = target.indexOf('?')
  return at < 0 ? { path: target, query: new URLSearchParams() } : { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) }
}
