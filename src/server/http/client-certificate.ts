// The certificate that the peer of a TLS connection showed, read once a connection. Who signed it is the authenticator's question.
import type { TLSSocket } from 'node:tls'
import type { Credentials } from '../authentication/authenticator.ts'

type Shown = Credentials['clientCertificate']

/** `owner`: what stands for the connection, a session or a socket. */
export function createCertificateReader(): (owner: object, socket: TLSSocket) => Shown {
  const known = new WeakMap<object, { shown: Shown }>()
  return (owner, socket) => {
    let found = known.get(owner)
    if (!found) known.set(owner, (found = { shown: read(socket) }))
    return found.shown
  }
}

function read(socket: TLSSocket): Shown {
  const certificate = socket.getPeerCertificate?.()
  if (!certificate?.raw) return undefined
  const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] }
  return { subject: { commonName: list(CN)[0] ?? '', organizations: list(O) }, raw: certificate.raw }
}
