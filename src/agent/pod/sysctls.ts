// Kernel parameters that a pod may set: those known not to reach beyond its namespaces (source: k8s.io/kubernetes pkg/kubelet/sysctl).
import type { Reason } from '../status/container-statuses.ts'
import type { AgentPod } from './types.ts'

const safe: Record<string, 'IPC' | 'network'> = {
  'kernel.shm_rmid_forced': 'IPC',
  'net.ipv4.ip_local_port_range': 'network', 'net.ipv4.tcp_syncookies': 'network', 'net.ipv4.ping_group_range': 'network', 'net.ipv4.ip_unprivileged_port_start': 'network',
  'net.ipv4.ip_local_reserved_ports': 'network', 'net.ipv4.tcp_keepalive_time': 'network', 'net.ipv4.tcp_fin_timeout': 'network', 'net.ipv4.tcp_keepalive_intvl': 'network',
  'net.ipv4.tcp_keepalive_probes': 'network', 'net.ipv4.tcp_rmem': 'network', 'net.ipv4.tcp_wmem': 'network',
}

export function refuseSysctls({ spec }: AgentPod): Reason | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const namespace = safe[name.replaceAll('/', '.')]
    const shared = (namespace === 'IPC' && spec.hostIPC) || (namespace === 'network' && spec.hostNetwork)
    if (namespace && !shared) continue
    const why = namespace ? `not allowed with host ${namespace === 'IPC' ? 'ipc' : 'net'} enabled` : 'not allowlisted'
    return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${JSON.stringify(name)} ${why}` }
  }
  return undefined
}
