// Requests that are done with or forgotten go away (source: pkg/controller/certificates/cleaner).
import { X509Certificate } from 'node:crypto'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { Plan } from '../../controller/definition.ts'

interface CleanStep {
  do: 'delete'
  object: Stored<CertificateSigningRequest>
}

const hour = 3600_000
const keptDecided = hour
const keptPending = 24 * hour

export function planCleaning(object: Stored<CertificateSigningRequest>, now: number): Plan<CleanStep> {
  const end = endOf(object)
  return now >= end ? { steps: [{ do: 'delete', object }] } : { steps: [], wakeAfter: end - now }
}

function endOf({ metadata, status }: Stored<CertificateSigningRequest>): number {
  const decided = (status?.conditions ?? []).filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type))
    .map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? metadata.creationTimestamp) + keptDecided)
  const expired = status?.certificate ? [endOfCertificate(status.certificate)] : []
  return Math.min(...(decided.length ? decided : [Date.parse(metadata.creationTimestamp) + keptPending]), ...expired)
}

function endOfCertificate(base64: string): number {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).validToDate.getTime()
  } catch {
    return Infinity
  }
}
