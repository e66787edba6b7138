// A front proxy that shows a certificate of the request-header authority says in headers for whom it asks
// (source: k8s.io/apiserver/pkg/authentication/request/headerrequest).
import type { Clock } from '../../base/clock.ts'
import type { Authenticator } from './authenticator.ts'
import { createCertificateVerifier } from './client-certificate.ts'
import { extraFrom, listHeader } from './headers.ts'

interface RequestHeaderOptions {
  authority: string
  /** Common names of proxies that are believed; empty: any. */
  allowedNames: readonly string[]
  clock: Clock
}

export function createRequestHeaderAuthenticator(options: RequestHeaderOptions): Authenticator {
  const verify = createCertificateVerifier([options.authority], options.clock)
  return {
    async authenticate({ headers, clientCertificate }) {
      const name = headers['x-remote-user']
      const proxy = clientCertificate && verify(clientCertificate)
      if (!name || !proxy || (options.allowedNames.length > 0 && !options.allowedNames.includes(proxy.commonName))) return undefined
      const uid = headers['x-remote-uid']
      return { name, ...(uid ? { uid } : {}), groups: listHeader(headers['x-remote-group']), extra: extraFrom(headers, 'x-remote-extra-') }
    },
  }
}
