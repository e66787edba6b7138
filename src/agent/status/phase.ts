// The phase of a pod from its container statuses (source: k8s.io/kubernetes pkg/kubelet getPhase).
import type { Container, ContainerStatus } from '../../api/generated/types.ts'
import { restartsAfter } from '../pod/restart.ts'
import { isSidecar, type AgentPod } from '../pod/types.ts'

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

interface PhaseInput {
  pod: AgentPod
  statuses: readonly ContainerStatus[]
  /** No container will run again. */
  terminal: boolean
  /** A regular container has been started in the sandbox in use. */
  initialized: boolean
}

interface Tally {
  pending: number
  failed: boolean
  unknown: number
  running: number
  waiting: number
  stopped: number
  final: number
  succeeded: number
}

export function phaseOf({ pod, statuses, terminal, initialized }: PhaseInput): Phase {
  const tally: Tally = { pending: 0, failed: false, unknown: 0, running: 0, waiting: 0, stopped: 0, final: 0, succeeded: 0 }
  const statusOf = (container: Container) => statuses.find((s) => s.name === container.name)
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) countSidecar(statusOf(container), tally, initialized)
    else countInit(pod, container, statusOf(container), tally)
  }
  for (const container of pod.spec.containers) countRegular(pod, container, statusOf(container), tally)
  if (tally.failed) return 'Failed'
  if (tally.pending > 0 || tally.waiting > 0) return 'Pending'
  if (tally.running > 0 && tally.unknown === 0) return 'Running'
  if (tally.running === 0 && tally.stopped > 0 && tally.unknown === 0) {
    if (!terminal && tally.stopped !== tally.final) return 'Running'
    return tally.stopped === tally.succeeded ? 'Succeeded' : 'Failed'
  }
  return 'Pending'
}

function countInit(pod: AgentPod, container: Container, status: ContainerStatus | undefined, tally: Tally): void {
  const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined)
  if (!ended) tally.pending++
  else if (ended.exitCode !== 0 && !restartsAfter(container, pod.spec, ended.exitCode)) tally.failed = true
  else if (ended.exitCode !== 0) tally.pending += status?.state?.terminated || status?.state?.waiting ? 0 : 1
}

function countSidecar(status: ContainerStatus | undefined, tally: Tally, initialized: boolean): void {
  const state = status?.state
  if (state?.running) {
    if (!status?.started && !initialized) tally.pending++
    tally.running++
  } else if (state?.terminated || (state?.waiting && status?.lastState?.terminated)) {
    return
  } else {
    if (status && !initialized) tally.pending++
    if (state?.waiting) tally.waiting++
    else tally.unknown++
  }
}

function countRegular(pod: AgentPod, container: Container, status: ContainerStatus | undefined, tally: Tally): void {
  const state = status?.state
  if (state?.running) {
    tally.running++
    return
  }
  const ended = state?.terminated ?? (state?.waiting ? status?.lastState?.terminated : undefined)
  if (ended) {
    tally.stopped++
    if (!restartsAfter(container, pod.spec, ended.exitCode)) tally.final++
    if (state?.terminated?.exitCode === 0) tally.succeeded++
  } else if (state?.waiting) tally.waiting++
  else tally.unknown++
}
