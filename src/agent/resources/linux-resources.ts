// Requests and limits as the kernel wants them (source: k8s.io/kubernetes pkg/kubelet/cm).
import type { Container } from '../../api/generated/types.ts'
import type { LinuxResources } from '../../runtime/container-runtime.ts'
import type { AgentPod } from '../pod/types.ts'
import { amount, podAmounts } from '../../api/pod-amounts.ts'
import { oomScoreAdjust, qosOf } from './qos.ts'

const period = 100_000

export const cpuShares = (milliCpu: number): number => Math.min(262_144, Math.max(2, Math.floor((milliCpu * 1024) / 1000)))
export const cpuQuota = (milliCpu: number): number => (milliCpu === 0 ? 0 : Math.max(1000, Math.floor((milliCpu * period) / 1000)))

interface NodeFacts {
  memoryCapacityBytes: number
  /** Control groups of version 2. */
  unified: boolean
}

export function containerResources(pod: AgentPod, container: Container, { memoryCapacityBytes, unified }: NodeFacts): LinuxResources {
  const { requests, limits } = container.resources ?? {}
  const whole = pod.spec.resources?.limits
  const cpuLimit = amount('cpu', limits?.['cpu']) || amount('cpu', whole?.['cpu'])
  const memoryLimit = amount('memory', limits?.['memory']) || amount('memory', whole?.['memory'])
  return {
    cpuShares: cpuShares(requests?.['cpu'] === undefined ? cpuLimit : amount('cpu', requests['cpu'])),
    cpuPeriod: period,
    cpuQuota: cpuQuota(cpuLimit),
    ...(memoryLimit ? { memoryLimitBytes: memoryLimit } : {}),
    oomScoreAdj: oomScoreAdjust(pod, container, memoryCapacityBytes),
    // when memory is short a container dies as a whole; half of one helps nobody
    ...(unified ? { unified: { 'memory.oom.group': '1' } } : {}),
  }
}

/** Limits of the pod's own cgroup; what is absent is unlimited. */
export function podResources(pod: AgentPod): LinuxResources {
  const qos = qosOf(pod)
  if (qos === 'BestEffort') return { cpuShares: 2 }
  const limits = podAmounts(pod, 'limits')
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const declared = (name: string) => pod.spec.resources?.limits?.[name] !== undefined || containers.every((c) => amount(name, c.resources?.limits?.[name]) > 0)
  return {
    cpuShares: cpuShares(podAmounts(pod, 'requests')['cpu'] ?? 0),
    ...(declared('cpu') ? { cpuPeriod: period, cpuQuota: cpuQuota(limits['cpu'] ?? 0) } : {}),
    ...(declared('memory') ? { memoryLimitBytes: limits['memory'] ?? 0 } : {}),
  }
}
