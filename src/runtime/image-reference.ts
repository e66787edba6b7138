// Names of images (source: the reference grammar of the distribution project).

interface ImageReference {
  /** As in `docker.io`, `localhost:5000`. */
  registry: string
  /** As in `library/nginx`. */
  repository: string
  tag?: string
  digest?: string
}

const pathPart = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagForm = /^\w[\w.-]{0,127}$/
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/
const domain = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/

/** @throws Error whose message says what is wrong. */
export function parseImageReference(text: string): ImageReference {
  const fail = (why: string) => new Error(`couldn't parse image name ${JSON.stringify(text)}: ${why}`)
  if (/^[a-f0-9]{64}$/.test(text)) throw fail(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const tag = colon > named.lastIndexOf('/') ? named.slice(colon + 1) : undefined
  const path = tag === undefined ? named : named.slice(0, colon)
  const slash = path.indexOf('/')
  const first = path.slice(0, Math.max(slash, 0))
  const hasRegistry = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)
  const registry = hasRegistry ? first : 'docker.io'
  const rest = hasRegistry ? path.slice(slash + 1) : path
  const repository = registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest
  if (rest.toLowerCase() !== rest && pathPart.test(rest.toLowerCase().split('/').at(-1) ?? '')) throw fail(`invalid reference format: repository name (${repository}) must be lowercase`)
  const wellFormed = rest !== '' && rest.split('/').every((part) => pathPart.test(part)) && (!hasRegistry || domain.test(first))
  if (!wellFormed || (tag !== undefined && !tagForm.test(tag)) || (digest !== undefined && !digestForm.test(digest))) throw fail('invalid reference format')
  return { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

/** The reference to pull: `latest` where neither tag nor digest is named. @throws as `parseImageReference`. */
export function withDefaultTag(text: string): string {
  const { tag, digest } = parseImageReference(text)
  return tag === undefined && digest === undefined ? `${text}:latest` : text
}

/** As registries and containerd know it: with registry, whole path and tag or digest. @throws as `parseImageReference`. */
export function fullReference(text: string): { name: string; tag?: string; digest?: string } {
  const { registry, repository, tag, digest } = parseImageReference(withDefaultTag(text))
  return { name: `${registry}/${repository}`, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}
