// Who may approve and sign which certificates, and that no client certificate makes a superuser (source: plugin/pkg/admission/certificates).
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import { parseCertificateRequest } from '../../pki/certificate-request.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { currentOf, draftOf, forbid, matches } from './requests.ts'

const resource = 'certificatesigningrequests.certificates.k8s.io'

export const createCertificateApproval = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'CertificateApproval',
  handles: (request) => matches(request, { resource, operations: ['UPDATE'], subresources: ['approval'] }),
  validate(request) {
    const { signerName } = currentOf<CertificateSigningRequest>(request).spec
    if (!mayActAs(authorizer, request, 'approve', signerName)) {
      throw forbid(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
    }
  },
})

export const createCertificateSigning = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'CertificateSigning',
  handles: (request) => matches(request, { resource, operations: ['UPDATE'], subresources: ['status'] }),
  validate(request) {
    const [before, now] = [currentOf<CertificateSigningRequest>(request), draftOf<CertificateSigningRequest>(request)]
    const conditions = ({ status }: CertificateSigningRequest) => JSON.stringify(status?.conditions ?? [])
    const untouched = before.status?.certificate === now.status?.certificate && conditions(before) === conditions(now)
    if (untouched || mayActAs(authorizer, request, 'sign', before.spec.signerName)) return
    throw forbid(request, `user not permitted to sign requests with signerName ${JSON.stringify(before.spec.signerName)}`)
  },
})

/** For the signer, or for all of its domain. */
function mayActAs(authorizer: Authorizer, { attributes }: AdmissionRequest, verb: string, signerName: string): boolean {
  return [signerName, `${signerName.split('/')[0]}/*`].some((name) => authorizer.authorize(signerAttributes(attributes.user, verb, name)).verdict === 'allow')
}

const signerAttributes = (user: UserInfo, verb: string, name: string): Attributes => ({
  user, verb, name, group: 'certificates.k8s.io', version: '*', resource: 'signers', subresource: '', namespace: '', path: '', isResourceRequest: true,
})

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (request) => matches(request, { resource, operations: ['CREATE'] }),
  async validate(request) {
    const { spec } = draftOf<CertificateSigningRequest>(request)
    const signer = 'kubernetes.io/kube-apiserver-client'
    if (spec.signerName !== signer) return
    if ((await parsed(request)).organizations.includes('system:masters')) {
      throw forbid(request, `use of ${signer} signer with system:masters group is not allowed`)
    }
  },
}

async function parsed(request: AdmissionRequest) {
  try {
    return await parseCertificateRequest(Buffer.from(draftOf<CertificateSigningRequest>(request).spec.request, 'base64').toString('utf8'))
  } catch (error) {
    throw forbid(request, `failed to parse CSR: ${(error as Error).message}`)
  }
}
