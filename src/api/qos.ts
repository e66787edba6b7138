// A pod's quality of service (source: pkg/apis/core/helper/qos `ComputePodQOS`).
import type { PodSpec, ResourceRequirements } from './generated/types.ts'
import { addAmounts, parseAmounts } from './pod-resources.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = (list: Readonly<Record<string, string>> | undefined) =>
  new Map([...parseAmounts(list)].filter(([name, amount]) => (name === 'cpu' || name === 'memory') && amount.nanos > 0n))

export function qosClassOf(spec: PodSpec): QosClass {
  const parts: (ResourceRequirements | undefined)[] = spec.resources ? [spec.resources] : [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map((c) => c.resources)
  const requests: ReturnType<typeof counted> = new Map()
  const limits: ReturnType<typeof counted> = new Map()
  let guaranteed = true
  for (const part of parts) {
    const partLimits = counted(part?.limits)
    addAmounts(requests, counted(part?.requests))
    addAmounts(limits, partLimits)
    const optional = spec.resources !== undefined && Object.keys(part?.limits ?? {}).length === 0
    if (!optional && partLimits.size < 2) guaranteed = false
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort'
  const equal = requests.size === limits.size && [...requests].every(([name, amount]) => limits.get(name)?.compare(amount) === 0)
  return guaranteed && equal ? 'Guaranteed' : 'Burstable'
}
