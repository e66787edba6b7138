// Signs what is approved (source: pkg/controller/certificates/signer).
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { notAfterFor, notBeforeFor } from '../../pki/issue.ts'
import { hasCondition, objection, signers } from './request.ts'
import type { ParsedRequest } from './request.ts'

type SignStep = (ParsedRequest & { do: 'sign'; notBefore: number; notAfter: number }) | (ParsedRequest & { do: 'fail'; message: string })

const minute = 60_000
const hour = 60 * minute
const backdate = 5 * minute
const short = 8 * hour
const shortest = 10 * minute
const longest = 365 * 24 * hour

export function planSigning(parsed: ParsedRequest, now: number): Plan<SignStep> {
  const { object } = parsed
  const known = (Object.values(signers) as string[]).includes(object.spec.signerName)
  if (!known || object.status?.certificate || !hasCondition(object, 'Approved') || hasCondition(object, 'Denied') || hasCondition(object, 'Failed')) {
    return nothingToDo
  }
  const message = parsed.request.signatureValid ? objection(parsed) : 'the request is not signed with the key it names'
  if (message) return { steps: [{ do: 'fail', ...parsed, message }] }
  const lifetime = lifetimeOf(object.spec.expirationSeconds)
  return { steps: [{ do: 'sign', ...parsed, notBefore: notBeforeFor(now, backdate), notAfter: notAfterFor(now, lifetime - (lifetime < short ? 0 : backdate)) }] }
}

const lifetimeOf = (seconds: number | undefined): number => (seconds === undefined ? longest : Math.min(longest, Math.max(shortest, seconds * 1000)))
