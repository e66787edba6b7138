// `/healthz`, `/livez`, `/readyz` and a path below them for each check, printed as upstream does.
import type { ApiRequest, ApiResponse } from '../api/exchange.ts'
import { answerText } from './answer.ts'
import type { NonResourceHandlers } from './non-resource.ts'

/** @returns undefined when it is well, else what is wrong (which is not shown to callers). */
type HealthCheck = () => string | undefined | Promise<string | undefined>

export interface HealthChecks {
  /** `ready`: only `/readyz` asks it. */
  add(name: string, check: HealthCheck, options?: { ready?: boolean }): void
}

export function addHealth(paths: NonResourceHandlers): HealthChecks {
  const checks = new Map<string, { check: HealthCheck; ready: boolean }>([['ping', { check: () => undefined, ready: false }], ['log', { check: () => undefined, ready: false }]])
  for (const endpoint of ['healthz', 'livez', 'readyz']) {
    const asked = () => [...checks].filter(([, { ready }]) => !ready || endpoint === 'readyz').map(([name, { check }]) => ({ name, check }))
    paths.add(`/${endpoint}`, (request) => answerAll(endpoint, asked(), request))
    paths.add(`/${endpoint}/*`, (request) => answerOne(endpoint, asked(), request))
  }
  return { add: (name, check, { ready = false } = {}) => void checks.set(name, { check, ready }) }
}

type Named = { name: string; check: HealthCheck }

async function answerAll(endpoint: string, checks: readonly Named[], { query }: ApiRequest): Promise<ApiResponse> {
  const excluded = new Set(query.getAll('exclude').flatMap((text) => text.split(',')))
  const failed: string[] = []
  const lines = await Promise.all(checks.map(async ({ name, check }) => {
    if (excluded.delete(name)) return `[+]${name} excluded: ok`
    if ((await check()) === undefined) return `[+]${name} ok`
    failed.push(name)
    return `[-]${name} failed: reason withheld`
  }))
  for (const name of excluded) if (name) lines.push(`warn: some health checks cannot be excluded: no matches for ${JSON.stringify(name)}`)
  if (failed.length > 0) return answerText(`${lines.join('\n')}\n${endpoint} check failed\n`, 500)
  return answerText(query.has('verbose') ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok')
}

async function answerOne(endpoint: string, checks: readonly Named[], { path }: ApiRequest): Promise<ApiResponse> {
  const wanted = checks.find(({ name }) => path === `/${endpoint}/${name}`)
  if (!wanted) return answerText('404 page not found\n', 404)
  const wrong = await wanted.check()
  return wrong === undefined ? answerText('ok') : answerText(`internal server error: ${wrong}\n`, 500)
}
