import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

/** Texts by short definition name; `''` is the definition's own. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Unpacked for each document anew: it is rarely asked for, and two megabytes when unpacked. */
export async function loadDescriptions(): Promise<Descriptions> {
  const { descriptions } = await import('../generated/descriptions.ts')
  const bytes = await promisify(brotliDecompress)(Buffer.from(descriptions, 'base64'))
  return JSON.parse(bytes.toString('utf8')) as Descriptions
}
