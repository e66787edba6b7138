// Fields of a pod that its containers may ask for, in variables and in files.
import { type AgentPod } from '../pod/types.ts'

/** `key="value"` a line, sorted, values quoted as Go quotes strings. */
const formatMap = (map: Record<string, string> | undefined): string =>
  Object.keys(map ?? {}).sort().map((key) => `${key}=${goQuote(map![key]!)}`).join('\n')

/** Go's `strconv.Quote`. */
function goQuote(text: string): string {
  const escapes: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' }
  const escaped = text.replace(/["\\\u0000-\u001f\u007f]/g, (c) => escapes[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}

export interface PodAddresses {
  podIps: readonly string[]
  hostIps: readonly string[]
}

/** @throws Error with upstream's wording for a path that does not exist. */
export function fieldValue(pod: AgentPod, path: string, addresses: PodAddresses): string {
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path)
  if (subscript) {
    const map = subscript[1] === 'metadata.labels' ? pod.metadata.labels : pod.metadata.annotations
    return map?.[subscript[2]!] ?? ''
  }
  switch (path) {
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations)
    case 'metadata.labels':
      return formatMap(pod.metadata.labels)
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace
    case 'metadata.uid':
      return pod.metadata.uid
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return addresses.hostIps[0] ?? ''
    case 'status.hostIPs':
      return addresses.hostIps.join(',')
    case 'status.podIP':
      return addresses.podIps[0] ?? ''
    case 'status.podIPs':
      return addresses.podIps.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${path}`)
  }
}
