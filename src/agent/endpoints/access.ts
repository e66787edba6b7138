// Who may use the kubelet's API, and what a request asks for (source: k8s.io/kubernetes/pkg/kubelet/server/auth.go).
import type { SubjectAccessReview, TokenReview } from '../../api/generated/types.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import type { EndpointAccess } from './types.ts'

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

const tokenLifetime = 2 * 60_000
const allowedLifetime = 5 * 60_000
const refusedLifetime = 30_000

export interface ReviewAccessOptions {
  client: Client
  nodeName: string
  clock: Clock
}

/** Asks the API server: TokenReview for bearer tokens, SubjectAccessReview for permissions; answers are kept for as long as the kubelet keeps them. */
export function createReviewAccess({ client, nodeName, clock }: ReviewAccessOptions): EndpointAccess {
  const users = createExpiringMap<UserInfo | undefined>(clock)
  const decisions = createExpiringMap<boolean>(clock)

  async function review(token: string): Promise<UserInfo | undefined> {
    const answer = await client.request<TokenReview>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })
    const { authenticated, user } = answer.status ?? {}
    return authenticated && user ? { name: user.username ?? '', uid: user.uid, groups: user.groups ?? [], extra: user.extra } : undefined
  }

  async function isAllowed(user: UserInfo, verb: string, subresource: string): Promise<boolean> {
    const key = JSON.stringify([user.name, user.groups, verb, subresource])
    const known = decisions.get(key)
    if (known !== undefined) return known
    const answer = await client.request<SubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview',
      spec: { user: user.name, uid: user.uid, groups: [...user.groups], extra: user.extra, resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName } },
    })
    const allowed = answer.status?.allowed ?? false
    decisions.set(key, allowed, allowed ? allowedLifetime : refusedLifetime)
    return allowed
  }

  return {
    async authenticate({ bearerToken, certificate }) {
      if (certificate) return { name: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
      if (!bearerToken) return undefined
      if (users.has(bearerToken)) return users.get(bearerToken)
      const user = await review(bearerToken)
      users.set(bearerToken, user, user ? tokenLifetime : refusedLifetime)
      return user
    },
    async authorize({ user, verb, subresources }) {
      for (const subresource of subresources) if (await isAllowed(user, verb, subresource)) return true
      return false
    },
  }
}

const mostEntries = 1000

function createExpiringMap<V>(clock: Clock) {
  const entries = new Map<string, { value: V; until: number }>()
  const live = (key: string) => {
    const entry = entries.get(key)
    return entry && entry.until > clock.monotonic() ? entry : undefined
  }
  return {
    has: (key: string) => live(key) !== undefined,
    get: (key: string) => live(key)?.value,
    set(key: string, value: V, lifetime: number) {
      if (entries.size >= mostEntries) entries.clear()
      entries.set(key, { value, until: clock.monotonic() + lifetime })
    },
  }
}
