// `/openapi/v2` and `/openapi/v3`. Documents are large and rarely asked for: made when needed, kept for a minute.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import type { ApiRequest, ApiResponse } from '../api/exchange.ts'
import { genericNotFoundError } from '../api/status-error.ts'
import { answerObject } from './answer.ts'
import type { NonResourceHandlers } from './non-resource.ts'
import type { Registry } from './registry.ts'

const keptMilliseconds = 60_000
const compress = promisify(gzip)
const loadOpenApi = () => import('../api/openapi/index.ts')

interface Document {
  bytes: Buffer
  etag: string
}

interface OpenApiPathsOptions {
  registry: Registry
  clock: Clock
  /** Names the program's build. */
  version: string
}

export function addOpenApi(paths: NonResourceHandlers, { registry, clock, version }: OpenApiPathsOptions): void {
  const kept = new Map<string, Promise<Document>>()
  const document = (name: string, make: () => Promise<Buffer>): Promise<Document> => {
    const key = `${registry.generation}/${name}`
    let known = kept.get(key)
    if (!known) {
      kept.set(key, (known = make().then((bytes) => ({ bytes, etag: `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"` }))))
      known.catch(() => kept.delete(key))
      clock.after(keptMilliseconds, () => kept.delete(key))
    }
    return known
  }

  paths.add('/openapi/v2', async (request) => {
    const { openApiV2Document, encodeOpenApiV2, openApiV2ProtobufType } = await loadOpenApi()
    const protobuf = (request.headers.accept ?? '').includes('+protobuf')
    const made = await document(protobuf ? 'v2.pb' : 'v2', async () => {
      const whole = await openApiV2Document(registry.definitions())
      return protobuf ? encodeOpenApiV2(whole) : Buffer.from(JSON.stringify(whole))
    })
    return answerDocument(request, made, protobuf ? openApiV2ProtobufType.replace('@', '.') : 'application/json')
  })
  paths.add('/openapi/v3', async (request) => {
    const { openApiV3Index } = await loadOpenApi()
    return answerObject(openApiV3Index(registry.definitions(), version), { acceptObjects: request.acceptObjects })
  })
  paths.add('/openapi/v3/*', async (request) => {
    const { openApiPaths, openApiV3Document } = await loadOpenApi()
    const at = openApiPaths(registry.definitions()).find(({ path }) => request.path === `/openapi/v3/${path}`)
    if (!at) throw genericNotFoundError()
    const made = await document(at.path, async () => Buffer.from(JSON.stringify(await openApiV3Document({ ...at, definitions: registry.definitions() }))))
    return answerDocument(request, made, 'application/json')
  })
}

async function answerDocument(request: ApiRequest, { bytes, etag }: Document, contentType: string): Promise<ApiResponse> {
  const headers: Record<string, string> = { 'content-type': contentType, etag, vary: 'Accept-Encoding, Accept' }
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: { kind: 'bytes', bytes: Buffer.alloc(0) } }
  if (request.acceptObjects && contentType === 'application/json') return { status: 200, headers, body: { kind: 'object', object: JSON.parse(bytes.toString()) } }
  if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return { status: 200, headers, body: { kind: 'bytes', bytes } }
  return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: { kind: 'bytes', bytes: await compress(bytes, { level: constants.Z_BEST_SPEED }) } }
}
