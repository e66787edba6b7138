// Tokens of paged lists, as upstream's (source: k8s.io/apiserver/pkg/storage/continue.go): clients may not read them, but some do.
import { badRequestError, expiredError, type StatusError } from '../../api/status-error.ts'

export interface ContinueToken {
  /** Negative: go on in the newest state. */
  revision: number
  /** The first key that may follow, within the scope. */
  from: string
}

export function encodeContinue(token: ContinueToken, scope: string): string {
  const start = token.from.slice(scope.length)
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start })).toString('base64url')
}

const refused = (why: string) => badRequestError(`invalid continue token: continue key is not valid${why}`)

export function decodeContinue(text: string, scope: string): ContinueToken {
  const token = parse(text)
  if (token.v !== 'meta.k8s.io/v1') throw refused(`: server does not recognize this encoded version ${String(token.v ?? '')}`)
  if (!Number.isSafeInteger(token.rv) || token.rv === 0) throw refused(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (typeof token.start !== 'string' || token.start === '') throw refused(': encoded start key empty (version meta.k8s.io/v1)')
  return { revision: token.rv as number, from: scope + token.start }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {}
  throw refused('')
}

/** For a token whose revision is gone: carries one that goes on in the newest state. */
export function continueExpired(token: ContinueToken, scope: string): StatusError {
  const error = expiredError(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
    'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided ' +
    'token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned ' +
    'and now may show up in the list.',
  )
  error.status.metadata = { continue: encodeContinue({ revision: -1, from: token.from }, scope) }
  return error
}
