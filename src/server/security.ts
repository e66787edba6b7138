// What makes an API server a secured one: who asks, what they may, what is admitted, and the reviews that tell about it.
import type { Clock } from '../base/clock.ts'
import type { Client } from '../client/client.ts'
import type { ServerPki } from '../pki/server-pki.ts'
import { createTokenSigner } from '../pki/jwt.ts'
import type { AdmissionPlugin } from './admission/admission.ts'
import { createAdmission } from './admission/index.ts'
import { createAuthentication } from './authentication/authentication.ts'
import type { Authentication } from './authentication/authentication.ts'
import { createAuthorization } from './authorization/authorization.ts'
import type { Authorization } from './authorization/authorization.ts'
import { publishAuthentication } from './authentication/published-config.ts'
import { reconcileBootstrapRbac } from './authorization/reconcile-bootstrap.ts'
import { openIdDocuments } from './authentication/openid.ts'
import type { NonResourceHandlers } from './non-resource.ts'
import type { ObjectReader } from './object-reader.ts'
import { reviewHandlers } from './reviews/handlers.ts'
import type { SubresourceHandlers } from './subresources/handler.ts'

interface SecurityOptions {
  pki: Pick<ServerPki, 'clientCa' | 'requestHeaderCa' | 'serviceAccountKey' | 'token'>
  /** Of service account tokens, as in `https://kubernetes.default.svc.cluster.local`. */
  issuer: string
  clock: Clock
  /** A client of this server with its own rights; called only while requests are answered. */
  client(): Client
}

/** The common name of the certificate with which the API server itself speaks for others to extension API servers. */
const proxyName = 'system:auth-proxy'

export interface Security {
  createAuthorizer(reader: ObjectReader): Authorization
  createAdmission(reader: ObjectReader): readonly AdmissionPlugin[]
  createSubresources(reader: ObjectReader): SubresourceHandlers
  createAuthentication(reader: ObjectReader): Authentication
  /** OpenID discovery. @param externalUrl as in `https://10.0.0.5:6443`; it may change */
  addOpenIdPaths(paths: NonResourceHandlers, externalUrl: () => string): void
  /** Bootstrap roles and bindings, and what extension API servers read. Idempotent; the system namespaces must be there. @param own with the server's own rights */
  reconcile(own: Client): Promise<void>
}

/** The parts fit `ApiServerOptions`. Each is made once, from one reader, the authorizer first. */
export function createSecurity({ pki, issuer, clock, client }: SecurityOptions): Security {
  const apiAudiences = [issuer]
  const sign = createTokenSigner(pki.serviceAccountKey.privateKey)
  const authorities = { clientAuthority: pki.clientCa.trust, requestHeaderAuthority: pki.requestHeaderCa.trust, proxyNames: [proxyName] }
  const authentication = once((reader: ObjectReader) => createAuthentication({
    ...authorities,
    serviceAccountKeys: pki.serviceAccountKey.publicKeys, issuer, apiAudiences, joinSecret: pki.token.secret, anonymous: true, reader, clock,
  }))
  const authorization = once(createAuthorization)
  return {
    createAuthorizer: authorization,
    createAdmission: (reader) => createAdmission({ reader, authorization: authorization(reader), clock, client }),
    createSubresources: (reader) => reviewHandlers({ authentication: authentication(reader), authorization: authorization(reader), reader, clock, sign, issuer, apiAudiences }),
    createAuthentication: authentication,
    async reconcile(own) {
      await reconcileBootstrapRbac(own)
      await publishAuthentication(own, authorities)
    },
    addOpenIdPaths(paths, externalUrl) {
      const documents = () => openIdDocuments({ issuer, externalUrl: externalUrl(), publicKeys: pki.serviceAccountKey.publicKeys })
      for (const path of documents().keys()) {
        paths.add(path, () => {
          const { headers, body } = documents().get(path)!
          return { status: 200, headers, body: { kind: 'bytes', bytes: Buffer.from(body) } }
        })
      }
    },
  }
}

function once<A, R>(make: (argument: A) => R): (argument: A) => R {
  let made: { value: R } | undefined
  return (argument) => (made ??= { value: make(argument) }).value
}
