// The ports of its node that a pod takes: of its containers and sidecars (source: k8s.io/kubernetes pkg/scheduler/util `GetHostPorts`).
import type { PodSpec } from './generated/types.ts'

export interface HostPort {
  protocol: string
  ip: string
  port: number
}

export function hostPortsOf({ containers, initContainers = [] }: PodSpec): HostPort[] {
  const lasting = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')]
  return lasting.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) => (hostPort ? [{ protocol, ip: hostIP || '0.0.0.0', port: hostPort }] : [])))
}

const isAny = (ip: string) => ip === '0.0.0.0' || ip === '::'

export const hostPortsConflict = (a: readonly HostPort[], b: readonly HostPort[]): boolean =>
  a.some((one) => b.some((other) => one.protocol === other.protocol && one.port === other.port && (one.ip === other.ip || isAny(one.ip) || isAny(other.ip))))
