// What a request to the kubelet's API asks for (source: k8s.io/kubernetes/pkg/kubelet/server/auth.go).
const verbs: Record<string, string> = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

export const verbOf = (method: string | undefined): string => verbs[method ?? ''] ?? ''

/** The finer name first, `proxy` where an older grant is still good for it. */
export function subresourcesOf(path: string): string[] {
  const below = (prefix: string) => path === prefix || path.startsWith(`${prefix}/`)
  if (below('/stats')) return ['stats']
  if (below('/metrics')) return ['metrics']
  if (below('/logs')) return ['log']
  if (below('/checkpoint')) return ['checkpoint']
  if (below('/pods') || below('/runningpods')) return ['pods', 'proxy']
  if (below('/healthz')) return ['healthz', 'proxy']
  if (below('/configz')) return ['configz', 'proxy']
  return ['proxy']
}
