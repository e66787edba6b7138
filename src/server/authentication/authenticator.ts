// Who is calling? The first authenticator that knows the credentials answers.
import type { UserInfo } from '../../api/user.ts'

export interface Credentials {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** DER of the client certificate, verified against the client CA by TLS; undefined when none was shown or it did not verify. */
  clientCertificate?: { subject: { commonName: string; organizations: readonly string[] }; raw: Buffer }
}

export interface Authenticator {
  /** Undefined: no credentials of this kind. @throws StatusError 401 for credentials that are wrong. */
  authenticate(credentials: Credentials): Promise<UserInfo | undefined>
}
