// Client certificates: the common name is the user, organizations are groups (source: k8s.io/apiserver/pkg/authentication/request/x509).
import { X509Certificate, createHash } from 'node:crypto'
import { pemBlocks } from '../../pki/inspect.ts'
import type { Clock } from '../../base/clock.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Authenticator, Credentials } from './authenticator.ts'

type Shown = NonNullable<Credentials['clientCertificate']>

interface VerifiedCertificate {
  commonName: string
  organizations: readonly string[]
  fingerprint: string
}

/** Tells whether one of the authorities signed the certificate, and it is in its time. The signature is checked once a connection. */
export function createCertificateVerifier(authorities: readonly string[], clock: Clock): (shown: Shown) => VerifiedCertificate | undefined {
  const issuers = authorities.flatMap(pemBlocks).map((pem) => new X509Certificate(pem))
  const known = new WeakMap<Shown, (VerifiedCertificate & { from: number; to: number }) | 'foreign'>()
  const examine = (shown: Shown) => {
    const certificate = new X509Certificate(shown.raw)
    if (!issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) return 'foreign' as const
    if (certificate.ca || (certificate.keyUsage && !certificate.keyUsage.includes('1.3.6.1.5.5.7.3.2'))) return 'foreign' as const
    return {
      ...shown.subject,
      fingerprint: createHash('sha256').update(shown.raw).digest('hex'),
      from: certificate.validFromDate.getTime(),
      to: certificate.validToDate.getTime(),
    }
  }
  return (shown) => {
    let result = known.get(shown)
    if (!result) known.set(shown, (result = examine(shown)))
    return result !== 'foreign' && result.from <= clock.now() && clock.now() <= result.to ? result : undefined
  }
}

export function createCertificateAuthenticator(options: { clientAuthority: string; clock: Clock }): Authenticator {
  const verify = createCertificateVerifier([options.clientAuthority], options.clock)
  return {
    async authenticate({ clientCertificate }) {
      const certificate = clientCertificate && verify(clientCertificate)
      return certificate?.commonName ? userOf(certificate) : undefined
    },
  }
}

const userOf = ({ commonName, organizations, fingerprint }: VerifiedCertificate): UserInfo => ({
  name: commonName,
  groups: [...organizations],
  extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
})
