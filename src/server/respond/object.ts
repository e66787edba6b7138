// The answer that carries one object.
import type { ApiResponse } from '../../api/exchange.ts'
import type { KubeObject } from '../../api/object.ts'
import { notAcceptableError } from '../../api/status-error.ts'
import type { Entry } from '../cache/types.ts'
import type { Call } from '../call.ts'
import type { ServedResource } from '../registry.ts'
import { clone, servedBytes } from '../store/bytes.ts'
import { toServed } from '../store/versions.ts'
import { contentType, encodeText, wantsPretty } from './encode.ts'
import { includeObjectOf, partialObject, table, tableRow } from './table.ts'

/** @param content of the storage version; with `entry`, its bytes are served where nothing has to be transformed. */
export async function answerStored(call: Call, content: { object: KubeObject; entry?: Entry }, status = 200): Promise<ApiResponse> {
  const { output, request, resource } = call
  const headers = { 'content-type': contentType(output.format) }
  if (request.acceptObjects) return { status, headers, body: { kind: 'object', object: servedObject(call, content) } }
  const pretty = output.format === 'json' && wantsPretty(request.query, request.headers['user-agent'])
  const plain = output.format === 'json' && !output.as && !pretty
  if (plain && content.entry && resource.isStorageVersion) return { status, headers, body: { kind: 'bytes', bytes: servedBytes(resource, content.entry) } }
  return { status, headers, body: { kind: 'bytes', bytes: await encodeText(transformed(call, content), output.format, pretty) } }
}

/** As Go names the type, in messages: `core.Namespace`. */
export const internalType = ({ definition }: ServedResource): string => `${definition.group.split('.')[0] || 'core'}.${definition.kind}`

export const servedObject = (call: Call, { object, entry }: { object: KubeObject; entry?: Entry }): KubeObject => {
  const stored = entry ? entry.object() : object
  return call.resource.isStorageVersion ? stored : toServed(call.resource, clone(stored))
}

function transformed(call: Call, content: { object: KubeObject; entry?: Entry }): unknown {
  const { output, resource } = call
  const stored = content.entry ? content.entry.object() : content.object
  if (output.as === 'Table') {
    const row = tableRow(stored, rowOptions(call))
    return table(resource.definition, output, { metadata: { resourceVersion: stored.metadata?.resourceVersion }, rows: [row], columns: true })
  }
  if (output.as === 'PartialObjectMetadataList') {
    throw notAcceptableError(`you requested PartialObjectMetadataList, but the requested object is not a list (*${internalType(resource)})`)
  }
  if (output.as === 'PartialObjectMetadata') return partialObject(stored, output)
  return servedObject(call, content)
}

export const rowOptions = (call: Call) => ({
  definition: call.resource.definition, output: call.output, include: includeObjectOf(call.request.query), now: call.parts.clock.now(),
  serve: (object: KubeObject) => (call.resource.isStorageVersion ? object : toServed(call.resource, clone(object))),
})
