// What there is of certificates in a data directory, and how each of them stands.
import { X509Certificate } from 'node:crypto'
import { basename, join } from 'node:path'
import { readText } from '../base/read-file.ts'
import { day, isSelfSigned, parsedCertificate, pemBlocks, subjectOf } from './inspect.ts'
import { authorityMargin, leafMargin } from './server-pki.ts'
import { authorities, type Service, services } from './services.ts'

interface CertificateReport {
  file: string
  service: Service | 'authority'
  /** Common name. */
  subject: string
  issuer: string
  sans: string[]
  /** RFC 3339; empty when the file holds no certificate. */
  notAfter: string
  daysLeft: number
  /** `RENEWAL DUE`: within the time before its end in which a server renews it by itself. `PREVIOUS`: an authority that has been replaced and is still trusted. */
  state: 'OK' | 'RENEWAL DUE' | 'EXPIRED' | 'NOT YET VALID' | 'UNREADABLE' | 'PREVIOUS'
}

export const isWellOff = ({ state }: CertificateReport): boolean => state === 'OK' || state === 'PREVIOUS'

/** Of the services named, and of the authorities when all are asked for. */
export function reportCertificates(directory: string, options: { of: readonly Service[]; withAuthorities: boolean; now: number }): CertificateReport[] {
  const { now } = options
  const leaves = options.of.flatMap((service) => services[service].flatMap((path) => report(join(directory, `${path}.crt`), { service, now })))
  return [...(options.withAuthorities ? authorities.flatMap((path) => report(join(directory, `${path}.crt`), { service: 'authority', now })) : []), ...leaves]
}

function report(path: string, { service, now }: { service: CertificateReport['service']; now: number }): CertificateReport[] {
  const text = readText(path)
  if (text === undefined) return []
  const file = basename(path)
  const found = pemBlocks(text).map(parsedCertificate)
  if (found.length === 0 || found.includes(undefined)) return [{ file, service, subject: '', issuer: '', sans: [], notAfter: '', daysLeft: 0, state: 'UNREADABLE' }]
  return found.map((certificate, index) => {
    const { state, left } = stateOf(certificate!, { service, now, isPrevious: index > 0 })
    return {
      file, service, subject: subjectOf(certificate!).commonName, issuer: issuerOf(certificate!), sans: certificate!.subjectAltName?.split(', ').map((san) => san.replace(/^(DNS|IP Address):/, '')) ?? [],
      notAfter: certificate!.validToDate.toISOString().slice(0, 19) + 'Z', daysLeft: Math.floor(left / day), state,
    }
  })
}

function stateOf(certificate: X509Certificate, { service, now, isPrevious }: { service: CertificateReport['service']; now: number; isPrevious: boolean }): { state: CertificateReport['state']; left: number } {
  const left = certificate.validToDate.getTime() - now
  const margin = service !== 'authority' ? leafMargin : isSelfSigned(certificate) ? authorityMargin : leafMargin
  if (isPrevious) return { state: 'PREVIOUS', left }
  if (left <= 0) return { state: 'EXPIRED', left }
  if (certificate.validFromDate.getTime() > now) return { state: 'NOT YET VALID', left }
  return { state: left <= margin ? 'RENEWAL DUE' : 'OK', left }
}

const issuerOf = (certificate: X509Certificate): string => /(?:^|\n)CN=(.*)/.exec(certificate.issuer)?.[1] ?? certificate.issuer
