// The answer that carries many objects: written in slices from the cache's snapshot, as fast as the reader takes them.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { stringify } from '../../api/codec/json.ts'
import type { ApiResponse } from '../../api/exchange.ts'
import { notAcceptableError } from '../../api/status-error.ts'
import type { Entry, ListResult } from '../cache/types.ts'
import type { Call } from '../call.ts'
import { clone, listItemBound, writeListItem } from '../store/bytes.ts'
import { toServed } from '../store/versions.ts'
import { contentType, encodeText, wantsPretty } from './encode.ts'
import { gzipped } from './gzip.ts'
import { internalType, rowOptions, servedObject } from './object.ts'
import { columnDefinitions, metaVersion, partialObject, tableRow } from './table.ts'

const sliceBytes = 256 * 1024
/** Above this an answer is compressed for those who accept it. */
const gzipThreshold = 128 * 1024
/** So long may one turn of the event loop be used for parsing and rendering. */
const turnMilliseconds = 5

export async function answerList(call: Call, list: ListResult): Promise<ApiResponse> {
  const { output, request } = call
  const headers: Record<string, string> = { 'content-type': contentType(output.format) }
  if (request.acceptObjects) return { status: 200, headers, body: { kind: 'object', object: listObject(call, list) } }
  if (output.as === 'PartialObjectMetadata') throw notAcceptableError(`you requested PartialObjectMetadata, but the requested object is a list (*${internalType(call.resource)}List)`)
  const pretty = output.format === 'json' && wantsPretty(request.query, request.headers['user-agent'])
  if (output.format === 'yaml' || pretty) {
    return { status: 200, headers, body: { kind: 'bytes', bytes: await encodeText(await wholeObject(call, list), output.format, pretty) } }
  }
  let size = 0
  for (const entry of list.entries) size += entry.value.length
  const chunks = output.as || !call.resource.isStorageVersion ? renderedChunks(call, list) : storedChunks(call, list)
  if (size <= sliceBytes / 2) return { status: 200, headers, body: { kind: 'bytes', bytes: await joined(chunks) } }
  if (size > gzipThreshold && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body: { kind: 'stream', chunks: gzipped(chunks) } }
  }
  return { status: 200, headers, body: { kind: 'stream', chunks } }
}

const listMeta = ({ revision, continue: token, remaining }: ListResult) => ({
  resourceVersion: String(revision), ...(token ? { continue: token } : {}), ...(remaining ? { remainingItemCount: remaining } : {}),
})

function listObject(call: Call, list: ListResult) {
  const { resource } = call
  return {
    kind: `${resource.definition.kind}List`, apiVersion: resource.apiVersion, metadata: listMeta(list),
    items: list.entries.map((entry) => servedObject(call, { object: entry.object(), entry })),
  }
}

function headOf(call: Call, list: ListResult): string {
  const { output, resource } = call
  const metadata = stringify(listMeta(list))
  if (output.as === 'Table') {
    return `{"kind":"Table","apiVersion":"${metaVersion(output)}","metadata":${metadata},"columnDefinitions":${JSON.stringify(columnDefinitions(resource.definition))},"rows":[`
  }
  if (output.as) return `{"kind":"PartialObjectMetadataList","apiVersion":"${metaVersion(output)}","metadata":${metadata},"items":[`
  return `{"kind":"${resource.definition.kind}List","apiVersion":"${resource.apiVersion}","metadata":${metadata},"items":[`
}

async function wholeObject(call: Call, list: ListResult): Promise<unknown> {
  return JSON.parse((await joined(renderedChunks(call, list))).toString('utf8'))
}

async function joined(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** Stored bytes, copied into slices. */
async function* storedChunks(call: Call, list: ListResult): AsyncIterable<Buffer> {
  const head = headOf(call, list)
  let out = Buffer.allocUnsafe(Math.max(sliceBytes, head.length + 64))
  let used = out.write(head, 0, 'latin1')
  let first = true
  for (const entry of list.entries) {
    const bound = listItemBound(entry) + 4
    if (used + bound > out.length) {
      yield out.subarray(0, used)
      await nextTurn()
      out = Buffer.allocUnsafe(Math.max(sliceBytes, bound + 64))
      used = 0
    }
    if (!first) out[used++] = 0x2c
    first = false
    used = writeListItem(call.resource, entry, out, used)
  }
  yield Buffer.concat([out.subarray(0, used), Buffer.from(']}\n')])
}

/** What has to be rendered object by object. */
async function* renderedChunks(call: Call, list: ListResult): AsyncIterable<Buffer> {
  const render = renderer(call)
  let parts: string[] = [headOf(call, list)]
  let length = 0
  let began = performance.now()
  for (const [index, entry] of list.entries.entries()) {
    const text = render(entry)
    parts.push(index > 0 ? ',' : '', text)
    length += text.length
    if (length < sliceBytes / 4 && (index & 15 || performance.now() - began < turnMilliseconds)) continue
    yield Buffer.from(parts.join(''))
    parts = []
    length = 0
    await nextTurn()
    began = performance.now()
  }
  yield Buffer.from(parts.join('') + ']}\n')
}

function renderer(call: Call): (entry: Entry) => string {
  const { output, resource } = call
  if (output.as === 'Table') {
    const options = rowOptions(call)
    return (entry) => stringify(tableRow(entry.object(), options))
  }
  if (output.as) return (entry) => stringify(partialObject(entry.object(), output))
  return (entry) => {
    const { kind: _kind, apiVersion: _version, ...item } = resource.isStorageVersion ? entry.object() : toServed(resource, clone(entry.object()))
    return stringify(item)
  }
}
