// The sandbox of a pod as the runtime is asked for it.
import { join } from 'node:path'
import type { SandboxSpec } from '../../runtime/container-runtime.ts'
import { podLabels } from '../container/labels.ts'
import { namespacesOf, sandboxSecurity } from '../container/security.ts'
import type { AgentPod } from '../pod/types.ts'
import type { DnsConfig } from './dns.ts'
import { kernelHostname, podHostname } from './hostname.ts'

interface SandboxSpecInput {
  pod: AgentPod
  attempt: number
  dns: DnsConfig
  clusterDomain: string
  cgroupParent: string
  /** `/var/log/pods` */
  logRoot: string
  runtimeHandler: string
}

export const podLogDirectory = (root: string, { metadata: { namespace, name, uid } }: AgentPod): string => join(root, `${namespace}_${name}_${uid}`)

/** @throws Error for a host name that does not fit. */
export function sandboxSpec({ pod, attempt, dns, clusterDomain, cgroupParent, logRoot, runtimeHandler }: SandboxSpecInput): SandboxSpec {
  const { name, namespace, uid, annotations } = pod.metadata
  return {
    name, namespace, uid, attempt,
    hostname: pod.spec.hostNetwork ? '' : kernelHostname(pod, podHostname(pod, clusterDomain)),
    logDirectory: podLogDirectory(logRoot, pod),
    labels: podLabels(pod),
    annotations: annotations ?? {},
    dns,
    portMappings: portMappings(pod),
    cgroupParent,
    sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((s) => [s.name.replaceAll('/', '.'), s.value])),
    namespaces: namespacesOf(pod),
    security: sandboxSecurity(pod),
    runtimeHandler,
  }
}

export function portMappings({ spec }: AgentPod): SandboxSpec['portMappings'] {
  if (spec.hostNetwork) return []
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) => c.ports ?? []).flatMap(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) =>
    hostPort > 0 ? [{ protocol: protocol as 'TCP' | 'UDP' | 'SCTP', containerPort, hostPort, hostIP }] : [])
}
