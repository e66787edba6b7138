// What the built-in signers demand of a request (source: pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer).
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { CertificateRequest } from '../../pki/certificate-request.ts'

export const signers = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const

export interface ParsedRequest {
  object: Stored<CertificateSigningRequest>
  request: CertificateRequest
}

export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && (condition.status === undefined || condition.status === 'True')) ?? false

const sameSet = (a: readonly string[], b: readonly string[]) => new Set(a).size === b.length && b.every((one) => a.includes(one))
const usagesAre = (usages: readonly string[], extended: string) =>
  sameSet(usages, ['digital signature', 'key encipherment', extended]) || sameSet(usages, ['digital signature', extended])
const usagesDiffer = (extended: string) => `usages did not match [${['digital signature', 'key encipherment', extended].sort().join(' ')}]`

/** Why the signer will not sign this; undefined: it will. */
export function objection({ object: { spec }, request }: ParsedRequest): string | undefined {
  const usages = spec.usages ?? []
  if (spec.signerName === signers.kubeletClient) return kubeletClientObjection(request, usages)
  if (spec.signerName === signers.kubeletServing) return kubeletServingObjection(request, usages)
  if (spec.signerName === signers.client) return clientObjection(usages)
  return undefined
}

const sansOf = ({ sans }: CertificateRequest, type: string) => sans.filter((san) => san.type === type)

function nodeObjection({ organizations }: CertificateRequest): string | undefined {
  return organizations.length === 1 && organizations[0] === 'system:nodes' ? undefined : 'subject organization is not system:nodes'
}

const nameObjection = ({ commonName }: CertificateRequest) =>
  (commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:')

export function kubeletClientObjection(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const forbidden = [['dns', 'DNS'], ['email', 'Email'], ['ip', 'IP'], ['url', 'URI']].find(([type]) => sansOf(request, type!).length)
  return nodeObjection(request) ?? (forbidden && `${forbidden[1]} subjectAltNames are not allowed`) ?? nameObjection(request) ??
    (usagesAre(usages, 'client auth') ? undefined : usagesDiffer('client auth'))
}

function kubeletServingObjection(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const has = (type: string) => sansOf(request, type).length > 0
  return nodeObjection(request) ?? (has('dns') || has('ip') ? undefined : 'DNS or IP subjectAltName is required') ??
    (has('email') ? 'Email subjectAltNames are not allowed' : undefined) ?? (has('url') ? 'URI subjectAltNames are not allowed' : undefined) ??
    (usagesAre(usages, 'server auth') ? undefined : usagesDiffer('server auth')) ?? nameObjection(request)
}

function clientObjection(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (other) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}
