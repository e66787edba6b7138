// In-place resizing (source: KEP-1287): which running containers have other resources than their spec, and whether the node has room for the change.
import type { Container, Node, ResourceRequirements } from '../../api/generated/types.ts'
import type { ContainerStatus } from '../../runtime/container-runtime.ts'
import { annotationKeys } from '../container/labels.ts'
import { amount, amountsOf, podAmounts } from '../../api/pod-amounts.ts'
import type { Observed } from '../runtime/observed.ts'
import { latest } from '../runtime/observed.ts'
import { isSidecar, type AgentPod } from './types.ts'

export interface Resize {
  id: string
  name: string
  /** Its policy wants a restart. */
  restart: boolean
}

/** Resources that the runtime was given last, by container id; what is missing is as at creation. */
export type AppliedResources = ReadonlyMap<string, ResourceRequirements>

const resizable = ['cpu', 'memory'] as const

export function appliedTo(container: ContainerStatus, applied: AppliedResources): ResourceRequirements | undefined {
  const created = container.annotations[annotationKeys.resources]
  return applied.get(container.id) ?? (created === undefined ? undefined : (JSON.parse(created) as ResourceRequirements))
}

export function resizesOf(pod: AgentPod, observed: Observed, applied: AppliedResources): Resize[] {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
  return containers.flatMap((spec) => {
    const running = latest(observed, spec.name)
    const current = running?.state === 'running' ? appliedTo(running, applied) : undefined
    if (!running || !current) return []
    const changed = resizable.filter((name) => differs(name, current, spec))
    const restart = changed.some((name) => spec.resizePolicy?.some((p) => p.resourceName === name && p.restartPolicy === 'RestartContainer'))
    return changed.length > 0 ? [{ id: running.id, name: spec.name, restart }] : []
  })
}

const differs = (name: string, current: ResourceRequirements, { resources }: Container) =>
  amount(name, current.requests?.[name]) !== amount(name, resources?.requests?.[name]) || amount(name, current.limits?.[name]) !== amount(name, resources?.limits?.[name])

/** The pod with what its running containers were given in place of what they ask for. */
export function withApplied(pod: AgentPod, observed: Observed, applied: AppliedResources): AgentPod {
  const given = (spec: Container): Container => {
    const running = latest(observed, spec.name)
    return { ...spec, resources: (running && appliedTo(running, applied)) ?? spec.resources }
  }
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(given), initContainers: pod.spec.initContainers?.map(given) } }
}

export interface ResizePending {
  reason: 'Infeasible' | 'Deferred'
  message: string
}

/** Why the pod cannot have what it asks for now. */
export function resizePending(pod: AgentPod, others: readonly AgentPod[], node: Node | undefined): ResizePending | undefined {
  const capacity = amountsOf(node?.status?.allocatable)
  const requests = podAmounts(pod, 'requests')
  for (const name of resizable) {
    const requested = requests[name] ?? 0
    const available = capacity[name]
    if (available === undefined) continue
    if (requested > available) return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${available}` }
    const used = others.reduce((sum, other) => sum + (podAmounts(other, 'requests')[name] ?? 0), 0)
    if (requested + used > available) return { reason: 'Deferred', message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${available}` }
  }
  return undefined
}
