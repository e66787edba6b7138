// What the runtime says of one pod, newest first: the ground on which plan and status stand.
import type { Container } from '../../api/generated/types.ts'
import type { ContainerStatus, SandboxStatus } from '../../runtime/container-runtime.ts'
import { annotationKeys } from '../container/labels.ts'
import type { AgentPod } from '../pod/types.ts'

export interface Observed {
  readonly sandboxes: readonly SandboxStatus[]
  readonly containers: readonly ContainerStatus[]
}

export const nothingObserved: Observed = { sandboxes: [], containers: [] }

export const latest = (observed: Observed, name: string): ContainerStatus | undefined => observed.containers.find((c) => c.name === name)

export const isRunning = (container: ContainerStatus | undefined): boolean => container?.state === 'running'

/** Running, or in a state that does not exclude it. */
export const mayRun = (container: ContainerStatus): boolean => container.state === 'running' || container.state === 'unknown'

export const restartCountOf = (container: ContainerStatus): number => {
  const text = container.annotations[annotationKeys.restartCount]
  return text === undefined ? container.attempt : Number.parseInt(text, 10) || 0
}

export const hashOf = (container: ContainerStatus): string => container.annotations[annotationKeys.hash] ?? ''

export interface SandboxNeed {
  /** A new sandbox is needed before any container can run. */
  create: boolean
  attempt: number
  /** The newest one there is. */
  current?: SandboxStatus
}

/** Whether the newest sandbox still serves the pod. */
export function sandboxNeed(pod: AgentPod, { sandboxes }: Observed): SandboxNeed {
  const current = sandboxes[0]
  if (!current) return { create: true, attempt: 0 }
  const several = sandboxes.filter((s) => s.ready).length > 1
  const withoutAddress = !pod.spec.hostNetwork && current.ips.length === 0
  const create = several || !current.ready || withoutAddress
  return { create, attempt: create ? current.attempt + 1 : current.attempt, current }
}

const started = (observed: Observed, containers: readonly Container[], states: readonly string[]) =>
  containers.some(({ name }) => states.includes(latest(observed, name)?.state ?? ''))

/** Any regular container exists: the init containers have all run at some time. */
export const anyRegularCreated = (pod: AgentPod, observed: Observed): boolean =>
  started(observed, pod.spec.containers, ['created', 'running', 'exited', 'unknown'])

/** Any regular container of the sandbox in use was started. */
export function anyRegularStartedInSandbox(pod: AgentPod, observed: Observed): boolean {
  const active = observed.sandboxes.find((s) => s.ready)
  if (!active) return false
  return observed.containers.some((c) => c.sandboxId === active.id && c.state !== 'created' && pod.spec.containers.some((s) => s.name === c.name))
}
