// One API request and its answer, independent of how it travelled: the HTTP front end and the loopback transport both speak this.
import type { KubeObject, Stored } from './object.ts'
import type { UserInfo } from './user.ts'

export interface ApiRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** Decoded nowhere yet: as on the request line, without the query. */
  path: string
  query: URLSearchParams
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** Bytes from the network, or an object from the same process (which is not kept and not changed). */
  body?: Buffer | KubeObject
  user: UserInfo
  /** The caller takes parsed, frozen objects in place of bytes (`ObjectBody`, `WatchBody`). */
  acceptObjects?: boolean
  /** Aborted when the caller has gone away. */
  signal: AbortSignal
}

export interface WatchEvent<T extends KubeObject = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

export type ApiBody =
  | { kind: 'bytes'; bytes: Buffer }
  /** Slices of at most 256 kB; the consumer's pace is the producer's (back-pressure). */
  | { kind: 'stream'; chunks: AsyncIterable<Buffer> }
  /** Frozen; shared with the server's cache. Only when `acceptObjects`. */
  | { kind: 'object'; object: unknown }
  /** Frozen objects; the iterator's `return` ends the watch. Only when `acceptObjects`. */
  | { kind: 'watch'; events: AsyncIterable<WatchEvent<Stored>> }

export interface ApiResponse {
  status: number
  headers: Record<string, string | string[]>
  body: ApiBody
}

/** The API server as seen by a transport. Failures are answers (a `Status`), never exceptions. */
export interface ApiHandler {
  handle(request: ApiRequest): Promise<ApiResponse>
}
