// Reads PKCS #10 requests, as clients put them into CertificateSigningRequests.
import type { GeneralName, PublicKeyType } from '@peculiar/x509'
import type { San } from './issue.ts'
import { loadX509 } from './x509.ts'

export interface CertificateRequest {
  commonName: string
  organizations: readonly string[]
  /** Everything the subject says, in order. */
  subject: Record<string, string[]>[]
  sans: readonly San[]
  publicKey: PublicKeyType
  /** The request is signed with the key it asks a certificate for. */
  signatureValid: boolean
}

/** @throws Error with upstream's wording when this is no PEM of a certificate request. */
export async function parseCertificateRequest(pem: string): Promise<CertificateRequest> {
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) throw new Error('PEM block type must be CERTIFICATE REQUEST')
  const x509 = await loadX509()
  const request = new x509.Pkcs10CertificateRequest(pem)
  const subject = request.subjectName.toJSON() as Record<string, string[]>[]
  const values = (name: string) => subject.flatMap((part) => part[name] ?? [])
  const names = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension)
  return {
    commonName: values('CN').at(-1) ?? '',
    organizations: values('O'),
    subject,
    sans: (names?.names.items ?? []).flatMap(sanFrom),
    publicKey: request.publicKey,
    signatureValid: await request.verify(),
  }
}

function sanFrom({ type, value }: GeneralName): San[] {
  return type === 'dns' || type === 'ip' || type === 'email' || type === 'url' ? [{ type, value }] : []
}
