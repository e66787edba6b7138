// The /etc/hosts of a pod.
import type { HostAlias } from '../../api/generated/types.ts'
import type { PodHostname } from './hostname.ts'

const local = [
  '127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::0\tip6-localnet', 'fe00::0\tip6-mcastprefix', 'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters',
]

export function podHosts(ips: readonly string[], { hostname, domain }: PodHostname, aliases: readonly HostAlias[] = []): string {
  const own = ips.map((ip) => (domain ? `${ip}\t${hostname}.${domain}\t${hostname}` : `${ip}\t${hostname}`))
  return ['# Kubernetes-managed hosts file.', ...local, ...own, ''].join('\n') + aliasLines(aliases)
}

export const nodeHosts = (text: string, aliases: readonly HostAlias[] = []): string =>
  `# Kubernetes-managed hosts file (host network).\n${text}${aliasLines(aliases)}`

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return ''
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`)
  return `\n# Entries added by HostAliases.\n${lines.join('')}`
}
