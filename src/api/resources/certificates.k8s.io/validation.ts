// Source: pkg/apis/certificates/validation. That a request is signed by its own key is checked where it is signed.
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../field-error.ts'
import type { CertificateSigningRequest } from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../names.ts'
import { changesText } from '../common/changes.ts'
import { equal } from '../common/equal.ts'
import { type Findings, listed } from '../common/validation/findings.ts'

const usages = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection',
  'encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime',
  'server auth', 'signing', 'timestamping',
]
const legacySigner = 'kubernetes.io/legacy-unknown'

function* signerName(field: string, name: string | undefined): Findings {
  if (!name) return yield required(field)
  const [domain = '', path = '', ...more] = name.split('/')
  if (!name.includes('/') || more.length > 0) {
    return yield invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
  }
  if (domain.length > 253) yield tooLong(field, 253)
  const labels = domain.split('.')
  const odd = labels.find((label) => isDnsLabel(label).length > 0)
  if (odd !== undefined) for (const message of isDnsLabel(odd)) yield invalid(field, domain, `validating label ${JSON.stringify(odd)}: ${message}`)
  if (labels.length < 2) yield invalid(field, domain, 'should be a domain with at least two segments separated by dots')
  const oddPart = path.split('.').find((label) => isDnsSubdomain(label).length > 0)
  if (oddPart !== undefined) for (const message of isDnsSubdomain(oddPart)) yield invalid(field, path, `validating label ${JSON.stringify(oddPart)}: ${message}`)
  if (name.length > 571) yield tooLong(field, 571)
}

const isRequest = (base64: string | undefined) => /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/.test(Buffer.from(base64 ?? '', 'base64').toString('latin1'))

export const validateRequest = listed(function* ({ spec, status }: CertificateSigningRequest): Findings {
  if (!isRequest(spec?.request)) yield invalid('spec.request', spec?.request ?? '', 'PEM block type must be CERTIFICATE REQUEST')
  if (!spec?.usages?.length) yield required('spec.usages')
  for (const [index, usage] of (spec?.usages ?? []).entries()) {
    if (!usages.includes(usage)) yield notSupported(`spec.usages[${index}]`, usage, usages)
    if (spec!.usages!.indexOf(usage) < index) yield duplicate(`spec.usages[${index}]`, usage)
  }
  if (spec?.signerName === legacySigner) yield invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version')
  else yield* signerName('spec.signerName', spec?.signerName)
  const seconds = spec?.expirationSeconds
  if (seconds !== undefined && seconds < 600) yield invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)')
  yield* conditions(status?.conditions)
})

function* conditions(all: NonNullable<CertificateSigningRequest['status']>['conditions'] = []): Findings {
  for (const [index, { type, status }] of all.entries()) {
    const at = `status.conditions[${index}]`
    const allowed = ['Approved', 'Denied', 'Failed'].includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!type) yield required(`${at}.type`)
    if (!status) yield required(`${at}.status`)
    else if (!allowed.includes(status)) yield notSupported(`${at}.status`, status, allowed)
    const before = all.slice(0, index).map((c) => c.type)
    if ((type === 'Approved' && before.includes('Denied')) || (type === 'Denied' && before.includes('Approved'))) {
      yield invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive')
    }
    if (before.includes(type)) yield duplicate(`${at}.type`, type)
  }
}

const ofType = ({ status }: CertificateSigningRequest, type: string) => (status?.conditions ?? []).filter((c) => c.type === type)

/** `approving` writes approving conditions, others a certificate. */
const validateChange = (approving: boolean) => listed(function* (draft: CertificateSigningRequest, current: CertificateSigningRequest): Findings {
  yield* validateRequest(draft)
  const at = 'status.conditions'
  for (const type of ['Approved', 'Denied', 'Failed']) {
    if (ofType(draft, type).length < ofType(current, type).length) yield forbidden(at, `updates may not remove a condition of type "${type}"`)
  }
  for (const type of approving ? [] : ['Approved', 'Denied']) {
    const [after, before] = [ofType(draft, type), ofType(current, type)]
    if (after.length > before.length) yield forbidden(at, `updates may not add a condition of type "${type}"`)
    else if (after.length === before.length && !equal(after, before)) {
      yield forbidden(at, `updates may not modify a condition of type "${type}"\n${changesText(type, before, after)}`)
    }
  }
  const [certificate, old] = [draft.status?.certificate ?? '', current.status?.certificate ?? '']
  if (certificate === old) return
  if (approving) yield forbidden('status.certificate', 'updates may not set certificate content')
  else if (old) yield forbidden('status.certificate', 'updates may not modify existing certificate content')
})

export const validateApproval = validateChange(true)
export const validateRequestStatus = validateChange(false)
