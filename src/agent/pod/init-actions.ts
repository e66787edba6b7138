// Which init containers run next (source: KEP-753). They run one after the other; restartable ones stay and the next one follows once they have started.
// Finished ones may have been removed since, so the list is read from its end: the last one seen tells how far the pod came.
import { hashOf, latest, type Observed } from '../runtime/observed.ts'
import { containerHash } from '../container/labels.ts'
import type { ContainerStatus } from '../../runtime/container-runtime.ts'
import type { KillReason } from './steps.ts'
import { restartsAfter, restartsAfterKill } from './restart.ts'
import { isSidecar, type AgentPod, type PodContainer, initContainers } from './types.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'
export type ProbeResult = 'success' | 'failure' | undefined
export type ReadProbe = (containerId: string, kind: ProbeKind) => ProbeResult

export interface Kill {
  container: ContainerStatus
  message: string
  reason: KillReason
}

interface InitActions {
  initialized: boolean
  /** An init container failed for good. */
  failed: boolean
  start: PodContainer[]
  kill: Kill[]
}

interface Verdict {
  /** This one is done, or runs and has started. */
  done?: boolean
  failed?: boolean
  restart?: boolean
  kill?: { message: string; reason: KillReason }
}

export function initActions(pod: AgentPod, observed: Observed, probe: ReadProbe): InitActions {
  const all = initContainers(pod)
  if (all.length === 0) return { initialized: true, failed: false, start: [], kill: [] }
  let initialized = pod.spec.containers.some(({ name }) => ['created', 'running'].includes(latest(observed, name)?.state ?? ''))
  let passed = initialized
  const start: PodContainer[] = []
  const kill: Kill[] = []
  for (let index = all.length - 1; index >= 0; index--) {
    const container = all[index]!
    const status = latest(observed, container.spec.name)
    if (!status) {
      if (passed && isSidecar(container.spec)) start.push(container)
      continue
    }
    if (passed && !isSidecar(container.spec)) continue
    const verdict = judge(pod, container, status, probe)
    if (verdict.failed) return { initialized: false, failed: true, start: [], kill }
    if (verdict.done) {
      const next = all[index + 1]
      if (!next) initialized = true
      else if (!passed) start.push(next)
    }
    if (verdict.restart) start.push(container)
    if (verdict.kill) kill.push({ container: status, ...verdict.kill })
    passed = true
  }
  if (!passed) start.push(all[0]!)
  return { initialized, failed: false, start: start.reverse(), kill }
}

function judge(pod: AgentPod, container: PodContainer, status: ContainerStatus, probe: ReadProbe): Verdict {
  const restartable = isSidecar(container.spec)
  switch (status.state) {
    case 'created':
      return { restart: true }
    case 'running':
      return restartable ? judgeRunningSidecar(container, status, probe) : {}
    case 'exited':
      if (restartable) return { restart: true }
      if (status.exitCode === 0) return { done: true }
      return restartsAfter(container.spec, pod.spec, status.exitCode) ? { restart: true } : { failed: true }
    case 'unknown':
      if (!restartsAfterKill(container.spec, pod.spec)) return { failed: true }
      return { restart: true, kill: { message: 'Init container is in "unknown" state, try killing it before restart', reason: 'Unknown' } }
  }
}

function judgeRunningSidecar({ spec }: PodContainer, status: ContainerStatus, probe: ReadProbe): Verdict {
  if (spec.startupProbe) {
    const startup = probe(status.id, 'startup')
    if (startup === 'failure') return { restart: true, kill: { message: `Init container ${spec.name} failed startup probe`, reason: 'StartupProbe' } }
    if (startup !== 'success') return {}
  }
  if (hashOf(status) !== containerHash(spec)) {
    return { done: true, restart: true, kill: { message: `Init container ${spec.name} definition changed`, reason: 'Unknown' } }
  }
  if (spec.livenessProbe && probe(status.id, 'liveness') === 'failure') {
    return { done: true, restart: true, kill: { message: `Init container ${spec.name} failed liveness probe`, reason: 'LivenessProbe' } }
  }
  return { done: true }
}
