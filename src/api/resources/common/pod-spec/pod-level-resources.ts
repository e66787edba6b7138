// Pod-level requests and huge page limits that follow from what is given elsewhere (source: KEP-2837).
import type { PodSpec, ResourceRequirements } from '../../../generated/types.ts'
import { aggregateContainers } from '../../../pod-resources.ts'

const isHugePages = (name: string) => name.startsWith('hugepages-')
const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || isHugePages(name)

const filled = (list: object | undefined) => list !== undefined && Object.keys(list).length > 0

function defaultHugePageLimits(spec: PodSpec, resources: ResourceRequirements): void {
  if (!filled(resources.limits) && !filled(resources.requests)) return
  for (const [name, amount] of aggregateContainers(spec, 'limits')) {
    if (!isHugePages(name) || resources.requests?.[name] !== undefined || resources.limits?.[name] !== undefined) continue
    resources.limits = { ...resources.limits, [name]: amount.toString() }
  }
}

function defaultRequests(spec: PodSpec, resources: ResourceRequirements): void {
  if (!filled(resources.limits)) return
  const requests = { ...resources.requests }
  for (const [name, amount] of aggregateContainers(spec, 'requests')) if (isPodLevelResource(name) && !isHugePages(name)) requests[name] ??= amount.toString()
  for (const [name, limit] of Object.entries(resources.limits ?? {})) if (isPodLevelResource(name)) requests[name] ??= limit
  if (filled(requests)) resources.requests = requests
}

export function defaultPodLevelResources(spec: PodSpec): void {
  if (!spec.resources) return
  defaultHugePageLimits(spec, spec.resources)
  defaultRequests(spec, spec.resources)
}
