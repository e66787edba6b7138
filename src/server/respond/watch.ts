// The answer that goes on: events as they happen.
import { stringify } from '../../api/codec/json.ts'
import type { ApiResponse, WatchEvent } from '../../api/exchange.ts'
import type { Stored } from '../../api/object.ts'
import { internalError, StatusError } from '../../api/status-error.ts'
import type { CacheEvent, Watch } from '../cache/types.ts'
import type { Call } from '../call.ts'
import { clone, servedBytes } from '../store/bytes.ts'
import { toServed } from '../store/versions.ts'
import { rowOptions, servedObject } from './object.ts'
import { partialObject, table, tableRow } from './table.ts'

/** `end` releases what the watch holds; called once, when the events end or the reader has gone. */
export function answerWatch(call: Call, watch: Watch, end: () => void): ApiResponse {
  const headers = { 'content-type': 'application/json' }
  if (call.request.acceptObjects) return { status: 200, headers, body: { kind: 'watch', events: objectEvents(call, watch, end) } }
  return { status: 200, headers, body: { kind: 'stream', chunks: byteEvents(call, watch, end) } }
}

async function* objectEvents(call: Call, watch: Watch, end: () => void): AsyncIterable<WatchEvent<Stored>> {
  try {
    for await (const batch of watch) for (const event of batch.events) yield { type: event.type, object: objectOf(call, event) as Stored }
  } catch (error) {
    yield { type: 'ERROR', object: statusOf(call, error) as unknown as Stored }
  } finally {
    end()
  }
}

async function* byteEvents(call: Call, watch: Watch, end: () => void): AsyncIterable<Buffer> {
  const shared = !call.output.as
  const form = `watch/${call.resource.apiVersion}`
  const encode = shared ? (event: CacheEvent) => line(call, event) : tableLines(call)
  try {
    for await (const batch of watch) yield shared ? batch.served(form, encode) : Buffer.concat(batch.events.map(encode))
  } catch (error) {
    yield Buffer.from(stringify({ type: 'ERROR', object: statusOf(call, error) }) + '\n')
  } finally {
    end()
  }
}

const closing = Buffer.from('}\n')

function line(call: Call, event: CacheEvent): Buffer {
  const head = Buffer.from(`{"type":"${event.type}","object":`)
  if (event.type === 'BOOKMARK' || !call.resource.isStorageVersion) return Buffer.concat([head, Buffer.from(stringify(objectOf(call, event))), closing])
  return Buffer.concat([head, servedBytes(call.resource, event.entry), closing])
}

function objectOf(call: Call, event: CacheEvent): object {
  const { resource } = call
  if (event.type !== 'BOOKMARK') return servedObject(call, { object: event.entry.object(), entry: event.entry })
  return { kind: resource.definition.kind, apiVersion: resource.apiVersion, metadata: bookmarkMeta(event) }
}

const bookmarkMeta = (event: CacheEvent & { type: 'BOOKMARK' }) => ({
  resourceVersion: String(event.revision), ...(event.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
})

/** Only the first table of a watch names the columns. */
function tableLines(call: Call): (event: CacheEvent) => Buffer {
  const { output, resource } = call
  let columns = true
  return (event) => {
    const object = event.type === 'BOOKMARK' ? { metadata: bookmarkMeta(event) } : event.entry.object()
    if (output.as !== 'Table') return Buffer.from(stringify({ type: event.type, object: partialObject(object, output) }) + '\n')
    const options = { ...rowOptions(call), serve: (o: object) => (resource.isStorageVersion ? o : toServed(resource, clone(o))) }
    const rows = event.type === 'BOOKMARK' ? [{ cells: resource.definition.columns.map(() => ''), object: partialObject(object, output) }] : [tableRow(object, options)]
    const content = table(resource.definition, output, { metadata: { resourceVersion: object.metadata?.resourceVersion }, rows, columns })
    columns = false
    return Buffer.from(stringify({ type: event.type, object: content }) + '\n')
  }
}

function statusOf(call: Call, error: unknown): object {
  if (error instanceof StatusError) return error.status
  call.parts.log.error('a watch failed', { error, resource: call.resource.definition.plural })
  return internalError(error instanceof Error ? error.message : String(error)).status
}
