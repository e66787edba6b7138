import type { Readable } from 'node:stream'
import { tooLargeError } from '../../api/status-error.ts'

/** What upstream takes in one body. */
const bodyLimit = 3 * 1024 * 1024

/** The whole body; undefined where there is none. @throws StatusError 413 */
export function readBody(from: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    from.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= bodyLimit) return void chunks.push(chunk)
      from.removeAllListeners('data')
      from.resume()
      reject(tooLargeError(`Request entity too large: limit is ${bodyLimit}`))
    })
    from.on('end', () => resolve(chunks.length === 0 ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length)))
    from.on('error', reject)
    from.on('close', () => {
      if (!from.readableEnded) reject(new Error('the request was aborted'))
    })
  })
}
