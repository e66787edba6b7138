// May they? Deny is final; no opinion asks the next one, and at the end means no.
import type { Attributes } from '../../api/user.ts'

export interface Decision {
  verdict: 'allow' | 'deny' | 'no-opinion'
  reason: string
}

export interface Authorizer {
  /** Synchronous: it reads caches only. */
  authorize(attributes: Attributes): Decision
}
