// Upstream reads `apiVersion` and `kind` of a body before all else, and has its own words for a body in which it cannot find them.
import { goTypeName } from '../patch/go-words.ts'

const wanted = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** What keeps the kind of this document from being known; undefined when nothing does. */
export function typeMetaProblem(value: unknown): string | undefined {
  const unreadable = (what: string) => `couldn't get version/kind; json parse error: json: cannot unmarshal ${what}`
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return unreadable(`${goTypeName(value)} into Go value of type ${wanted}`)
  const meta = value as { apiVersion?: unknown; kind?: unknown }
  for (const field of ['apiVersion', 'kind'] as const) {
    const given = meta[field]
    if (given !== undefined && given !== null && typeof given !== 'string') return unreadable(`${goTypeName(given)} into Go struct field .${field} of type string`)
  }
  if (typeof meta.apiVersion === 'string' && meta.apiVersion.split('/').length > 2) return `unexpected GroupVersion string: ${meta.apiVersion}`
  return undefined
}
