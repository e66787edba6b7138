import type { CertificateSigningRequest } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { humanDuration } from '../common/duration.ts'
import { keepStatus, v1 } from '../common/strategy.ts'
import { validateApproval, validateRequest, validateRequestStatus } from './validation.ts'
import { keepRequest, prepareApproval, prepareStatus, stampRequester } from './request.ts'

function condition({ status }: CertificateSigningRequest): string {
  const has = (type: string) => (status?.conditions ?? []).some((c) => c.type === type)
  const word = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${word}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`
}

export const certificatesigningrequests = defineResource<CertificateSigningRequest>({
  group: 'certificates.k8s.io', kind: 'CertificateSigningRequest', plural: 'certificatesigningrequests', singular: 'certificatesigningrequest', shortNames: ['csr'], namespaced: false,
  ...v1('certificates', 'CertificateSigningRequest'),
  generation: 'none',
  nameFormat: 'path-segment',
  resetFields: ['spec', 'status'],
  prepareForCreate(draft, { user }) {
    stampRequester(draft, user)
    draft.status = {}
  },
  prepareForUpdate(draft, current) {
    keepRequest(draft, current)
    keepStatus(draft, current)
  },
  subresources: {
    status: { resetFields: ['spec', 'status.conditions'], prepareForUpdate: prepareStatus, validateUpdate: validateRequestStatus },
    approval: { resetFields: ['spec', 'status.certificate'], prepareForUpdate: prepareApproval, validateUpdate: validateApproval },
  },
  selectableFields: { 'spec.signerName': (object) => object.spec.signerName },
  validate: validateRequest,
  columns: [
    nameColumn,
    ageColumn,
    text('SignerName', ({ spec }) => spec.signerName || '<none>'),
    text('Requestor', ({ spec }) => spec.username ?? ''),
    text('RequestedDuration', ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000))),
    text('Condition', condition),
  ],
})
