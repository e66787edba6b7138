import { pipeline, Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'

/** Compresses as upstream does: fast rather than small. The work is done off the event loop. */
export function gzipped(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 })
  pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), gzip, () => {})
  return gzip
}
