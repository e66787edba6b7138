// Requests that are done with or forgotten go away (source: pkg/controller/certificates/cleaner).
import { X509Certificate } from 'node:crypto'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { Since } from '../../base/clock.ts'
import type { Plan } from '../../controller/definition.ts'

interface CleanStep {
  do: 'delete'
  object: Stored<CertificateSigningRequest>
}

const hour = 3600_000
const keptDecided = hour
const keptPending = 24 * hour

export function planCleaning(object: Stored<CertificateSigningRequest>, now: number, since: Since): Plan<CleanStep> {
  const left = timeLeft(object, now, since)
  return left > 0 ? { steps: [], wakeAfter: left } : { steps: [{ do: 'delete', object }] }
}

function timeLeft({ metadata, status }: Stored<CertificateSigningRequest>, now: number, since: Since): number {
  const decided = (status?.conditions ?? []).filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
    .map(({ lastUpdateTime }) => keptDecided - since(Date.parse(lastUpdateTime ?? metadata.creationTimestamp)))
  const expired = status?.certificate ? [endOfCertificate(status.certificate) - now] : []
  return Math.min(...(decided.length ? decided : [keptPending - since(Date.parse(metadata.creationTimestamp))]), ...expired)
}

function endOfCertificate(base64: string): number {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).validToDate.getTime()
  } catch {
    return Infinity
  }
}
