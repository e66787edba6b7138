// Writes an answer as fast as the peer takes it.
import { once } from 'node:events'
import type { ApiResponse } from '../../api/exchange.ts'
import type { Wire } from './wire.ts'

export async function send(wire: Wire, { status, headers, body }: ApiResponse, signal: AbortSignal): Promise<void> {
  if (body.kind === 'bytes') {
    wire.respond(status, { ...headers, 'content-length': String(body.bytes.length) })
    if (wire.method === 'HEAD' || body.bytes.length === 0) wire.output.end()
    else wire.output.end(body.bytes)
    return
  }
  if (body.kind !== 'stream') throw new Error(`an answer of kind ${body.kind} cannot be sent over HTTP`)
  wire.respond(status, headers)
  flushHead(wire)
  for await (const chunk of body.chunks) {
    if (signal.aborted) return
    if (!wire.output.write(chunk)) await drained(wire, signal)
  }
  wire.output.end()
}

/** A watch without events yet is an answer all the same. */
function flushHead({ output }: Wire): void {
  if ('flushHeaders' in output) (output as { flushHeaders(): void }).flushHeaders()
}

async function drained(wire: Wire, signal: AbortSignal): Promise<void> {
  await once(wire.output, 'drain', { signal }).catch((error: Error) => {
    if (!signal.aborted) throw error
  })
}
