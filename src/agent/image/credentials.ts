// Credentials for a registry out of the pull secrets of a pod; the most specific entry comes first.
import type { Secret } from '../../api/generated/types.ts'
import type { RegistryAuth } from '../../runtime/container-runtime.ts'
import { parseImageReference } from '../../runtime/image-reference.ts'

interface Entry {
  username?: string
  password?: string
  auth?: string
  identitytoken?: string
  registrytoken?: string
}

export function credentialsFor(image: string, secrets: readonly Secret[]): RegistryAuth[] {
  const { registry, repository } = parseImageReference(image)
  const target = registry === 'docker.io' ? 'index.docker.io' : registry
  const entries = secrets.flatMap(entriesOf).map(([location, entry]) => ({ place: placeOf(location), entry }))
  return entries
    .filter(({ place }) => matches(place, target, repository) || (registry === 'docker.io' && matches(place, 'docker.io', repository)))
    .sort((a, b) => (a.place < b.place ? 1 : -1))
    .map(({ entry }) => toAuth(entry))
}

function entriesOf(secret: Secret): [string, Entry][] {
  const json = secret.data?.['.dockerconfigjson']
  const legacy = secret.data?.['.dockercfg']
  try {
    if (secret.type === 'kubernetes.io/dockerconfigjson' && json) {
      return Object.entries((JSON.parse(Buffer.from(json, 'base64').toString('utf8')) as { auths?: Record<string, Entry> }).auths ?? {})
    }
    if (secret.type === 'kubernetes.io/dockercfg' && legacy) return Object.entries(JSON.parse(Buffer.from(legacy, 'base64').toString('utf8')) as Record<string, Entry>)
  } catch {
    return [] // a secret that is not JSON has nothing to offer
  }
  return []
}

/** `host[:port][/path]` of an entry's key, which may be a URL of the old API. */
function placeOf(location: string): string {
  const [host = '', ...path] = location.replace(/^https?:\/\//, '').split('/')
  const rest = /^v[12]$/.test(path[0] ?? '') ? path.slice(1) : path
  return [host, ...rest].filter(Boolean).join('/')
}

function matches(place: string, registry: string, repository: string): boolean {
  const [host = '', ...path] = place.split('/')
  if (!`${repository}/`.startsWith(path.join('/'))) return false
  const [hostName = '', port = ''] = host.split(':')
  const [registryName = '', registryPort = ''] = registry.split(':')
  const parts = hostName.split('.')
  const wanted = registryName.split('.')
  return port === registryPort && parts.length === wanted.length && parts.every((part, i) => globMatches(part, wanted[i]!))
}

const globMatches = (glob: string, text: string) => {
  const pattern = glob.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${pattern}$`).test(text)
}

function toAuth({ username, password, auth, identitytoken, registrytoken }: Entry): RegistryAuth {
  if (identitytoken || registrytoken) return { identityToken: identitytoken, registryToken: registrytoken }
  if (!auth) return { username, password }
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
