// The three lists of container statuses, from what the runtime says, what was last reported and why a start failed.
import { rfc3339 } from '../../base/clock.ts'
import type { ContainerState, ContainerStateTerminated, ContainerStatus, VolumeMount, VolumeMountStatus } from '../../api/generated/types.ts'
import type { ContainerStatus as RuntimeContainer } from '../../runtime/container-runtime.ts'
import type { ReadProbe } from '../pod/init-actions.ts'
import { appliedTo, type AppliedResources } from '../pod/resize.ts'
import { restartsAfter } from '../pod/restart.ts'
import { isSidecar, type AgentPod, type PodContainer } from '../pod/types.ts'
import { anyRegularCreated, latest, restartCountOf, type Observed } from '../runtime/observed.ts'

export interface Reason {
  reason: string
  message: string
}

interface ContainerStatusInput {
  pod: AgentPod
  observed: Observed
  /** Statuses last reported for this list. */
  old: readonly ContainerStatus[]
  /** Why the last start of a container failed, or why it is not started. */
  reasons: ReadonlyMap<string, Reason>
  probe: ReadProbe
  /** As in `containerd://`. */
  runtimeName: string
  applied: AppliedResources
  /** No container will run again: what has not ended is lost. */
  terminal: boolean
}

const unknownExit = (message: string): ContainerStateTerminated => ({ exitCode: 137, reason: 'ContainerStatusUnknown', message })

export function containerStatuses(input: ContainerStatusInput, containers: readonly PodContainer[]): ContainerStatus[] {
  const statuses = containers.map((container) => oneStatus(input, container))
  return containers[0]?.kind === 'init' ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function oneStatus(input: ContainerStatusInput, container: PodContainer): ContainerStatus {
  const { observed } = input
  const { spec } = container
  const old = input.old.find((s) => s.name === spec.name)
  const [current, previous] = observed.containers.filter((c) => c.name === spec.name)
  const status = current ? fromRuntime(input, container, current, old) : withoutRuntime(input, container, old)
  if (previous) status.lastState = stateOf(previous, input.runtimeName)
  if (input.terminal) closeState(input, container, status)
  else applyReason(input, container, status)
  applyProbes(input, container, status, old)
  return status
}

function closeState(input: ContainerStatusInput, { kind }: PodContainer, status: ContainerStatus): void {
  const begun = kind === 'init' ? anyRegularCreated(input.pod, input.observed) : initialized(input)
  if (status.state?.terminated || !begun) return
  status.state = { terminated: unknownExit('The container could not be located when the pod was terminated') }
}

/** Whether the regular containers had their turn; where an init container failed, they wait for ever. */
function initialized({ pod, observed, old }: ContainerStatusInput): boolean {
  const last = pod.spec.initContainers?.at(-1)
  if (!last || anyRegularCreated(pod, observed) || old.some(({ state, lastState }) => !state?.waiting || lastState?.terminated)) return true
  const current = latest(observed, last.name)
  return isSidecar(last) ? current?.state === 'running' : current?.state === 'exited' && current.exitCode === 0
}

function blank(input: ContainerStatusInput, { spec }: PodContainer): ContainerStatus {
  const reason = input.pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating'
  const volumeMounts = mountStatuses(spec.volumeMounts)
  return {
    name: spec.name, state: { waiting: { reason } }, lastState: {}, ready: false, restartCount: 0, image: spec.image ?? '', imageID: '',
    ...(volumeMounts.length ? { volumeMounts } : {}),
  }
}

const mountStatuses = (mounts: readonly VolumeMount[] = []): VolumeMountStatus[] =>
  mounts.map(({ name, mountPath, readOnly }) => ({ name, mountPath, ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}) }))

function withoutRuntime(input: ContainerStatusInput, container: PodContainer, old: ContainerStatus | undefined): ContainerStatus {
  const status = blank(input, container)
  if (!old) return initLost(input, container, status)
  if (old.state?.terminated) return { ...old, state: { terminated: old.state.terminated } }
  status.restartCount = old.restartCount
  status.lastState = old.lastState ?? {}
  if (old.state?.running && !status.lastState.terminated) {
    status.lastState = { terminated: unknownExit('The container could not be located when the pod was deleted.  The container used to be Running') }
    if (!input.pod.metadata.deletionTimestamp) status.restartCount += 1
  }
  return initLost(input, container, status)
}

/** An init container whose traces are gone has done its work when regular containers exist. */
function initLost({ pod, observed }: ContainerStatusInput, { kind, spec }: PodContainer, status: ContainerStatus): ContainerStatus {
  if (kind !== 'init' || isSidecar(spec) || !anyRegularCreated(pod, observed)) return status
  const message = 'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally'
  return { ...status, state: { terminated: { exitCode: 0, reason: 'Completed', message } } }
}

function fromRuntime(input: ContainerStatusInput, container: PodContainer, current: RuntimeContainer, old: ContainerStatus | undefined): ContainerStatus {
  const { spec } = container
  const { runtimeName } = input
  const containerID = `${runtimeName}://${current.id}`
  const requests = spec.resources?.requests
  const lost = current.state === 'unknown' && old?.state?.running
  return {
    ...blank(input, container),
    state: lost ? { terminated: unknownExit('The container could not be located when the pod was terminated') } : stateOf(current, runtimeName),
    lastState: old && old.containerID !== containerID && old.state?.terminated ? { terminated: old.state.terminated } : (old?.lastState ?? {}),
    restartCount: Math.max(lost ? old.restartCount + 1 : restartCountOf(current), old?.restartCount ?? 0),
    image: current.image,
    imageID: current.imageRef,
    containerID,
    ...(requests && Object.keys(requests).length ? { allocatedResources: requests } : {}),
    resources: (current.state === 'running' ? appliedTo(current, input.applied) : undefined) ?? spec.resources ?? {},
    ...(current.user ? { user: { linux: userOf(current.user) } } : {}),
  }
}

const userOf = ({ uid, gid, supplementalGroups }: NonNullable<RuntimeContainer['user']>) => ({
  uid, gid, ...(supplementalGroups.length ? { supplementalGroups } : {}),
})

function stateOf(container: RuntimeContainer, runtimeName: string): ContainerState {
  switch (container.state) {
    case 'running':
      return { running: { startedAt: rfc3339(container.startedAt) } }
    case 'exited':
      return { terminated: terminated(container, runtimeName) }
    default:
      return { waiting: {} }
  }
}

function terminated(container: RuntimeContainer, runtimeName: string): ContainerStateTerminated {
  const time = (at: number) => (at > 0 ? rfc3339(at) : undefined)
  return {
    exitCode: container.exitCode,
    reason: container.reason || (container.exitCode === 0 ? 'Completed' : 'Error'),
    ...(container.message ? { message: container.message } : {}),
    startedAt: time(container.startedAt),
    finishedAt: time(container.finishedAt),
    containerID: `${runtimeName}://${container.id}`,
  }
}

function applyReason({ pod, observed, reasons }: ContainerStatusInput, { kind, spec }: PodContainer, status: ContainerStatus): void {
  const current = latest(observed, spec.name)
  if (pod.metadata.deletionTimestamp || current?.state === 'running') return
  if (kind === 'init' && !isSidecar(spec) && current?.state === 'exited' && current.exitCode === 0) return
  if (current?.state === 'exited' && (kind === 'ephemeral' || !restartsAfter(spec, pod.spec, current.exitCode))) return
  const why = reasons.get(spec.name)
  if (!why) return
  if (status.state?.terminated) status.lastState = { terminated: status.state.terminated }
  status.state = { waiting: { reason: why.reason, ...(why.message ? { message: why.message } : {}) } }
}

function applyProbes({ probe, observed }: ContainerStatusInput, { kind, spec }: PodContainer, status: ContainerStatus, old: ContainerStatus | undefined): void {
  const current = latest(observed, spec.name)
  if (kind === 'ephemeral') return
  const running = status.state?.running !== undefined && current !== undefined
  const known = old?.containerID !== undefined && old.containerID === status.containerID
  const startup = running && spec.startupProbe ? probe(current.id, 'startup') : undefined
  status.started = running && (!spec.startupProbe || startup === 'success' || (startup === undefined && known && old.started === true))
  if (kind === 'init' && !isSidecar(spec)) {
    status.ready = status.state?.terminated?.exitCode === 0
    return
  }
  if (!running || !status.started) return
  const readiness = spec.readinessProbe ? probe(current.id, 'readiness') : 'success'
  status.ready = readiness === 'success' || (readiness === undefined && known && old.ready)
}
