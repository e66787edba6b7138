// Which files belong to whom, by k3s's names of services: below the data directory, without `.crt` and `.key`.
import { rmSync } from 'node:fs'
import { join } from 'node:path'

export const services = {
  'admin': ['server/tls/client-admin'],
  'api-server': ['server/tls/serving-kube-apiserver', 'server/tls/client-kube-apiserver'],
  'auth-proxy': ['server/tls/client-auth-proxy'],
  'kubelet': ['agent/client-kubelet', 'agent/serving-kubelet'],
} as const

export type Service = keyof typeof services
export const serviceNames = Object.keys(services) as Service[]
export const authorities = ['server/tls/server-ca', 'server/tls/client-ca', 'server/tls/request-header-ca'] as const

/** Certificates that are not there are made by the next start, or by the next look of a running server. */
export function discardCertificates(directory: string, of: readonly Service[]): void {
  for (const service of of) for (const path of services[service]) rmSync(join(directory, `${path}.crt`), { force: true })
}
