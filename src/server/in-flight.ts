// So many requests at once, and no more: what comes beyond is told to come again. Long-running requests do not count.
import { tooManyRequestsError } from '../api/status-error.ts'

export interface InFlightLimits {
  reading: number
  writing: number
}

export const defaultInFlight: InFlightLimits = { reading: 400, writing: 200 }

export interface InFlight {
  /** @returns what is called when the request has been answered. @throws StatusError 429 */
  enter(verb: string): () => void
  readonly reading: number
  readonly writing: number
}

const readingVerbs = new Set(['get', 'list', 'head', 'options'])

export function createInFlight(limits: InFlightLimits): InFlight {
  const now = { reading: 0, writing: 0 }
  return {
    enter(verb) {
      const kind = readingVerbs.has(verb) ? 'reading' : 'writing'
      if (now[kind] >= limits[kind]) throw tooManyRequestsError('Too many requests, please try again later.', 1)
      now[kind]++
      return () => void now[kind]--
    },
    get reading() {
      return now.reading
    },
    get writing() {
      return now.writing
    },
  }
}
