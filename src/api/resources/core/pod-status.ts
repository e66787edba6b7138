// What `kubectl get pods` says of a pod: ready containers, one word of status, restarts.
import type { ContainerStatus, Pod } from '../../generated/types.ts'
import { ageSince } from '../common/duration.ts'

interface Summary {
  ready: number
  total: number
  reason: string
  restarts: number
  lastRestart: string
}

const terminalPhases = ['Succeeded', 'Failed']
const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((c) => c.type === type)
const isTrue = (pod: Pod, type: string) => condition(pod, type)?.status === 'True'
const finishedAt = (status: ContainerStatus) => status.lastState?.terminated?.finishedAt ?? ''
/** Timestamps in RFC 3339, UTC: the later one is the greater text. */
const later = (a: string, b: string) => (b > a ? b : a)

const restartableInits = (pod: Pod) => new Set((pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name))

const exitText = ({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }) =>
  reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)

interface InitSummary {
  initializing: boolean
  reason: string
  ready: number
  all: { restarts: number; last: string }
  restartable: { restarts: number; last: string }
}

function summarizeInit(pod: Pod, restartable: ReadonlySet<string>): InitSummary {
  const result: InitSummary = { initializing: false, reason: '', ready: 0, all: { restarts: 0, last: '' }, restartable: { restarts: 0, last: '' } }
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const stays = restartable.has(status.name)
    for (const counter of stays ? [result.all, result.restartable] : [result.all]) {
      counter.restarts += status.restartCount ?? 0
      counter.last = later(counter.last, finishedAt(status))
    }
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (stays && status.started) {
      if (status.ready) result.ready++
      continue
    }
    result.initializing = true
    if (terminated) result.reason = `Init:${exitText(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') result.reason = `Init:${waiting.reason}`
    else result.reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`
    break
  }
  return result
}

function summarizeContainers(pod: Pod, summary: Summary): void {
  let running = false
  let errorReason = ''
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    summary.restarts += status.restartCount ?? 0
    summary.lastRestart = later(summary.lastRestart, finishedAt(status))
    const { waiting, terminated, running: runs } = status.state ?? {}
    if (waiting?.reason) summary.reason = waiting.reason
    else if (terminated) {
      summary.reason = exitText(terminated)
      if (terminated.exitCode !== 0) errorReason = summary.reason
    } else if (status.ready && runs) {
      running = true
      summary.ready++
    }
  }
  if (summary.reason !== 'Completed') return
  if (running && isTrue(pod, 'Ready')) summary.reason = 'Running'
  else if (errorReason) summary.reason = errorReason
  else if (running) summary.reason = 'NotReady'
}

function summarize(pod: Pod): Summary {
  const restartable = restartableInits(pod)
  const init = summarizeInit(pod, restartable)
  const phase = pod.status?.phase ?? ''
  const summary: Summary = {
    ready: init.ready, total: (pod.spec?.containers.length ?? 0) + restartable.size,
    reason: pod.status?.reason || phase, restarts: init.all.restarts, lastRestart: init.all.last,
  }
  if (condition(pod, 'PodScheduled')?.reason === 'SchedulingGated') summary.reason = 'SchedulingGated'
  if (init.initializing) summary.reason = init.reason
  if (!init.initializing || isTrue(pod, 'Initialized')) {
    summary.restarts = init.restartable.restarts
    summary.lastRestart = init.restartable.last
    summarizeContainers(pod, summary)
  }
  if (pod.metadata?.deletionTimestamp) {
    if (pod.status?.reason === 'NodeLost') summary.reason = 'Unknown'
    else if (!terminalPhases.includes(phase)) summary.reason = 'Terminating'
  }
  return summary
}

export const podReady = (pod: Pod): string => {
  const { ready, total } = summarize(pod)
  return `${ready}/${total}`
}

export const podReason = (pod: Pod): string => summarize(pod).reason

export function podRestarts(pod: Pod, now: number): string {
  const { restarts, lastRestart } = summarize(pod)
  return restarts > 0 && lastRestart ? `${restarts} (${ageSince(lastRestart, now)} ago)` : String(restarts)
}

export function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates
  return gates?.length ? `${gates.filter((g) => isTrue(pod, g.conditionType)).length}/${gates.length}` : '<none>'
}
