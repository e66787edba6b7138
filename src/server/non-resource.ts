// Paths outside resources: health, version, metrics, discovery, OpenAPI.
import type { ApiRequest, ApiResponse } from '../api/exchange.ts'
import type { UserInfo } from '../api/user.ts'

type NonResourceHandler = (request: ApiRequest, user: UserInfo) => Promise<ApiResponse> | ApiResponse

export interface NonResourceHandlers {
  /** `path` exactly, or with `/*` at the end everything below it. */
  add(path: string, handler: NonResourceHandler): void
  find(path: string): NonResourceHandler | undefined
  /** For the list that `/` answers. */
  list(): string[]
}

export function createNonResourceHandlers(): NonResourceHandlers {
  const exact = new Map<string, NonResourceHandler>()
  const below: [string, NonResourceHandler][] = []
  return {
    add(path, handler) {
      if (path.endsWith('/*')) below.push([path.slice(0, -1), handler])
      else exact.set(path, handler)
    },
    find(path) {
      const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
      return exact.get(trimmed) ?? below.find(([prefix]) => path.startsWith(prefix))?.[1]
    },
    list: () => [...exact.keys()],
  }
}
