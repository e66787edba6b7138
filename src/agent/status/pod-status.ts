// The whole status of a pod. Pure: what was last reported goes in, the next report comes out.
import { rfc3339 } from '../../base/clock.ts'
import type { PodStatus } from '../../api/generated/types.ts'
import type { ReadProbe } from '../pod/init-actions.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { ephemeralContainers, initContainers, regularContainers, type AgentPod } from '../pod/types.ts'
import type { AppliedResources } from '../pod/resize.ts'
import { qosClassOf } from '../../api/qos.ts'
import { anyRegularStartedInSandbox, mayRun, sandboxNeed, type Observed } from '../runtime/observed.ts'
import { conditionsOf, isOwned } from './conditions.ts'
import { containerStatuses, type Reason } from './container-statuses.ts'
import { phaseOf } from './phase.ts'

interface StatusInput {
  pod: AgentPod
  observed: Observed
  /** What was last reported. */
  old: PodStatus
  reasons: ReadonlyMap<string, Reason>
  probe: ReadProbe
  now: number
  runtimeName: string
  hostIps: readonly string[]
  /** No container will run again. */
  terminal: boolean
  volumesReady: boolean
  applied: AppliedResources
  resize?: { type: string; reason: string; message: string }
  failed?: Failed
}

/** The pod was refused, evicted or has reached its deadline. */
export interface Failed extends Reason {
  /** The node ended it for the sake of others: a condition says so. */
  disruption?: boolean
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, old, now } = input
  const statuses = (list: 'initContainerStatuses' | 'containerStatuses' | 'ephemeralContainerStatuses', containers: ReturnType<typeof regularContainers>) =>
    containerStatuses({ ...input, old: old[list] ?? [] }, containers)
  const init = statuses('initContainerStatuses', initContainers(pod))
  const regular = statuses('containerStatuses', regularContainers(pod))
  const ephemeral = statuses('ephemeralContainerStatuses', ephemeralContainers(pod))
  const verdict = judgePhase(input, [...init, ...regular])
  const ips = podIps(input)
  const conditions = conditionsOf({
    pod, phase: verdict.phase, statuses: [...init, ...regular], old: mergeConditions(pod, old), now: rfc3339(now), resize: input.resize,
    disruption: input.failed?.disruption && isTerminalPhase(verdict.phase) ? input.failed.message : undefined,
    readyToStart: !sandboxNeed(pod, observed).create && (input.volumesReady || observed.containers.length > 0),
  })
  const hostIP = input.hostIps[0]
  const refused = input.failed !== undefined && observed.containers.length === 0 && !old.containerStatuses
  return {
    ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
    phase: verdict.phase,
    conditions,
    ...(verdict.message ? { message: verdict.message } : {}),
    ...(verdict.reason ? { reason: verdict.reason } : {}),
    ...(old.nominatedNodeName ? { nominatedNodeName: old.nominatedNodeName } : {}),
    ...(hostIP ? { hostIP, hostIPs: input.hostIps.map((ip) => ({ ip })) } : {}),
    ...(ips.length ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: old.startTime ?? rfc3339(now),
    ...(init.length && !refused ? { initContainerStatuses: init } : {}),
    ...(refused ? {} : { containerStatuses: regular }),
    qosClass: old.qosClass ?? qosClassOf(pod.spec),
    ...(ephemeral.length ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...(old.resize ? { resize: old.resize } : {}),
  }
}

/** Conditions of others come from the API, ours from the last report. */
function mergeConditions(pod: AgentPod, old: PodStatus) {
  const ours = (old.conditions ?? []).filter(isOwned)
  return [...ours, ...(pod.status.conditions ?? []).filter((c) => !isOwned(c))]
}

interface PhaseVerdict {
  phase: string
  reason?: string
  message?: string
}

function judgePhase(input: StatusInput, statuses: NonNullable<PodStatus['containerStatuses']>): PhaseVerdict {
  const { pod, observed, old, terminal, failed } = input
  const before = isTerminalPhase(pod.status.phase) ? pod.status : old
  const same = { phase: before.phase ?? 'Pending', reason: before.reason, message: before.message }
  if (isTerminalPhase(before.phase)) return same
  const last = phaseOf({ pod, statuses, terminal, initialized: anyRegularStartedInSandbox(pod, observed) })
  const phase = failed || (terminal && !isTerminalPhase(last)) ? 'Failed' : last
  if (isTerminalPhase(phase) && observed.containers.some(mayRun)) return same
  if (failed) return { phase, reason: failed.reason, message: failed.message }
  return phase === before.phase ? same : { phase }
}

function podIps({ pod, observed, old, hostIps }: StatusInput): readonly string[] {
  if (pod.spec.hostNetwork) return hostIps
  const active = observed.sandboxes.find((s) => s.ready) ?? observed.sandboxes[0]
  return active?.ips.length ? active.ips : (old.podIPs ?? []).map(({ ip }) => ip)
}
