// Limits as the OCI runtime specification words them; runc translates them for either version of control groups.
import { readFileSync } from 'node:fs'
import type { LinuxResources } from '../../container-runtime.ts'

/** Swap counts as memory: a limit of the one is that of both together, where the machine can limit swap. */
export function ociResources({ cpuPeriod, cpuQuota, cpuShares, memoryLimitBytes, cpusetCpus, cpusetMems, unified }: LinuxResources, { limitsSwap }: { limitsSwap: boolean }) {
  const cpu = { ...(cpuShares ? { shares: cpuShares } : {}), ...(cpuQuota ? { quota: cpuQuota } : {}), ...(cpuPeriod ? { period: cpuPeriod } : {}), ...(cpusetCpus ? { cpus: cpusetCpus } : {}), ...(cpusetMems ? { mems: cpusetMems } : {}) }
  return { cpu, ...(memoryLimitBytes ? { memory: { limit: memoryLimitBytes, ...(limitsSwap ? { swap: memoryLimitBytes } : {}) } } : {}), ...(unified && Object.keys(unified).length > 0 ? { unified } : {}) }
}

/** Lowering the score below one's own needs CAP_SYS_RESOURCE: without it, the own one is the least. */
export function oomScoreOf(wanted: number | undefined, canLower: boolean): number | undefined {
  if (wanted === undefined || canLower) return wanted
  return Math.max(wanted, Number(readFileSync('/proc/self/oom_score_adj', 'utf8')))
}
