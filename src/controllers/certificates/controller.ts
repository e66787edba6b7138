import type { CertificateSigningRequest, SubjectAccessReview } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { certificatesigningrequests } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { parseCertificateRequest } from '../../pki/certificate-request.ts'
import type { KeyPair } from '../../pki/inspect.ts'
import { issueLeaf } from '../../pki/issue.ts'
import type { KeyUsage, Usage } from '../../pki/issue.ts'
import { planApproval } from './approve.ts'
import { planCleaning } from './clean.ts'
import type { ParsedRequest } from './request.ts'
import { signers } from './request.ts'
import { planSigning } from './sign.ts'

interface CertificateAuthorities {
  client: KeyPair
  server: KeyPair
}

/** Approves, signs and cleans up CertificateSigningRequests. */
export const createCertificateControllers = (authorities: CertificateAuthorities): Controller[] => [approver, createSigner(authorities), cleaner]

const serviceAccount = 'certificate-controller'
type Requests = Informer<CertificateSigningRequest>

async function parsed(requests: Requests, name: string): Promise<ParsedRequest | undefined> {
  const object = requests.get(name)
  if (!object) return undefined
  // What cannot be read was refused when it was created; should one be there, nobody can do anything with it.
  const request = await parseCertificateRequest(decode(object.spec.request)).catch(() => undefined)
  return request && { object, request }
}

const decode = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')

const approver = defineController({
  name: 'csrapproving',
  serviceAccount,
  watches: ({ informer }) => ({ requests: informer(certificatesigningrequests) }),
  triggers: ({ requests }) => [changed(requests, (request) => request.metadata.name)],
  observe: (key, { requests }) => {
    const object = requests.get(key)
    return object && object.spec.signerName === signers.kubeletClient && !object.status?.certificate ? parsed(requests, key) : undefined
  },
  plan: planApproval,
  executors: {
    async approve({ object, permissions }, { client, clock }) {
      for (const { subresource, message } of permissions) {
        if (!(await mayCreate(client, object, subresource))) continue
        const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: rfc3339(clock.now()) }
        const approved = { ...object, status: { ...object.status, conditions: [...(object.status?.conditions ?? []), condition] } }
        await client.resource(certificatesigningrequests).updateSubresource(object.metadata.name, 'approval', approved)
        return
      }
    },
  },
})

async function mayCreate(client: Client, { spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
  const resourceAttributes = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource, version: '*' }
  const review: SubjectAccessReview = {
    apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview',
    spec: { user: spec.username, groups: spec.groups, uid: spec.uid, extra: spec.extra, resourceAttributes },
  }
  const { status } = await client.request<SubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)
  return status?.allowed === true
}

const keyUsages: Readonly<Record<string, KeyUsage>> = {
  'signing': 'digitalSignature', 'digital signature': 'digitalSignature', 'content commitment': 'nonRepudiation', 'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement', 'data encipherment': 'dataEncipherment', 'encipher only': 'encipherOnly', 'decipher only': 'decipherOnly',
}
const extendedUsages: Readonly<Record<string, Usage>> = {
  'server auth': 'serverAuth', 'client auth': 'clientAuth', 'code signing': 'codeSigning',
  'email protection': 'emailProtection', 's/mime': 'emailProtection', 'timestamping': 'timeStamping', 'ocsp signing': 'ocspSigning',
}

const createSigner = (authorities: CertificateAuthorities): Controller => defineController({
  name: 'csrsigning',
  serviceAccount,
  watches: ({ informer }) => ({ requests: informer(certificatesigningrequests) }),
  triggers: ({ requests }) => [changed(requests, (request) => request.metadata.name)],
  observe: (key, { requests }) => {
    const object = requests.get(key)
    return object?.status?.conditions?.length && !object.status.certificate ? parsed(requests, key) : undefined
  },
  plan: planSigning,
  executors: {
    async sign({ object, request, notBefore, notAfter }, { client }) {
      const { signerName, usages = [] } = object.spec
      const pem = await issueLeaf({
        authority: signerName === signers.kubeletServing || signerName === signers.legacy ? authorities.server : authorities.client,
        publicKey: request.publicKey, subject: request.subject, sans: request.sans, notBefore, notAfter,
        keyUsages: usages.flatMap((usage) => keyUsages[usage] ?? []), usages: usages.flatMap((usage) => extendedUsages[usage] ?? []),
      })
      await setStatus(client, object, { certificate: Buffer.from(pem).toString('base64') })
    },
    async fail({ object, message }, { client, clock }) {
      const condition = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: rfc3339(clock.now()) }
      await setStatus(client, object, { conditions: [...(object.status?.conditions ?? []), condition] })
    },
  },
})

const setStatus = (client: Client, object: Stored<CertificateSigningRequest>, status: CertificateSigningRequest['status']) =>
  client.resource(certificatesigningrequests).updateStatus({ ...object, status: { ...object.status, ...status } })

const cleaner = defineController({
  name: 'csrcleaner',
  serviceAccount,
  watches: ({ informer }) => ({ requests: informer(certificatesigningrequests) }),
  triggers: ({ requests }) => [changed(requests, (request) => request.metadata.name)],
  observe: (key, { requests }) => requests.get(key),
  plan: planCleaning,
  executors: {
    async delete({ object }, { client }) {
      await client.resource(certificatesigningrequests).delete(object.metadata.name, { preconditions: { uid: object.metadata.uid } }).catch(ignoreNotFound)
    },
  },
})
