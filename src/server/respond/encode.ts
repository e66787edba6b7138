// Objects as bytes in the format that was asked for.
import { stringify } from '../../api/codec/json.ts'
import type { Format } from '../request/negotiate.ts'

const contentTypes: Record<Format, string> = { json: 'application/json', yaml: 'application/yaml' }

export const contentType = (format: Format): string => contentTypes[format]

export async function encodeText(object: unknown, format: Format, pretty = false): Promise<Buffer> {
  if (format === 'yaml') return Buffer.from((await import('yaml')).stringify(object))
  const text = stringify(object)
  return Buffer.from(pretty ? indent(text) : text + '\n')
}

/** Browsers and command-line fetchers are shown indented JSON, unless they say otherwise. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const pretty = query.get('pretty')
  if (pretty !== null) return pretty !== '0' && pretty !== 'false'
  return userAgent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent)
}

/** Indents compact JSON by two spaces without parsing it, so that numbers stay as they are. */
function indent(json: string): string {
  let depth = 0
  const token = /"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]|[^"{}[\],:]+/g
  const line = () => '\n' + '  '.repeat(depth)
  return json.replace(token, (text) => {
    if (text === '{' || text === '[') {
      depth++
      return text + line()
    }
    if (text === '}' || text === ']') {
      depth--
      return line() + text
    }
    if (text === ',') return text + line()
    return text === ':' ? ': ' : text
  })
}
