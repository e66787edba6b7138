// The host name of a pod and its domain.
import type { AgentPod } from '../pod/types.ts'

export interface PodHostname {
  hostname: string
  /** Empty without a subdomain. */
  domain: string
}

const longest = 63

export function podHostname({ metadata, spec }: AgentPod, clusterDomain: string): PodHostname {
  if (spec.hostnameOverride) return { hostname: shorten(spec.hostnameOverride), domain: '' }
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : ''
  return { hostname: shorten(spec.hostname ?? metadata.name), domain }
}

const shorten = (name: string) => (name.length <= longest ? name : name.slice(0, longest).replace(/[-.]+$/, ''))

/** What the kernel is told. @throws Error when the full name does not fit. */
export function kernelHostname(pod: AgentPod, { hostname, domain }: PodHostname): string {
  if (!pod.spec.setHostnameAsFQDN || !domain) return hostname
  const full = `${hostname}.${domain}`
  if (full.length > 64) {
    const size = `(64 characters is the max, ${full.length} characters requested)`
    throw new Error(`Failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long ${size}`)
  }
  return full
}
