// Limits on the disk that a pod may use: of an emptyDir, of all its containers together, of one container (source: pkg/kubelet/eviction
// `localStorageEviction`). Only pods that have such a limit are measured for it. Pure.
import { podLimits } from '../../api/pod-resources.ts'
import { parseQuantity } from '../../api/quantity.ts'
import type { AgentPod } from '../pod/types.ts'
import { bytesQuantity } from './thresholds.ts'
import { diskOf, type PodUsage } from './usage.ts'

const resource = 'ephemeral-storage'

/** An emptyDir in memory is limited by its mount. */
const limitedVolumes = ({ spec }: AgentPod) => (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir?.sizeLimit && !emptyDir.medium)

export const hasStorageLimit = (pod: AgentPod): boolean =>
  limitedVolumes(pod).length > 0 || [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.[resource] !== undefined)

/** What the pod is told when it has used too much; undefined while it keeps within its limits. */
export function exceededStorageLimit(pod: AgentPod, usage: PodUsage, { separateImages }: { separateImages: boolean }): string | undefined {
  for (const { name, emptyDir } of limitedVolumes(pod)) {
    const limit = parseQuantity(emptyDir!.sizeLimit!)
    const used = usage.volumes.get(name)
    if (used && limit.nanos > 0n && bytesQuantity(used.bytes).compare(limit) > 0) return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit.toString())}. `
  }
  const total = podLimits(pod).get(resource)
  if (total && bytesQuantity(diskOf(usage, { root: true, local: true }).bytes).compare(total) > 0) {
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `
  }
  for (const { name, root, logs } of usage.containers) {
    const limit = parseQuantity(pod.spec.containers.find((c) => c.name === name)?.resources?.limits?.[resource] ?? '0')
    const used = bytesQuantity(logs.bytes + (separateImages ? 0 : root.bytes))
    if (!limit.isZero() && used.compare(limit) > 0) return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit.toString())}. `
  }
  return undefined
}
