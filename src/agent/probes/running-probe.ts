// One probe of one container: when it runs, and what its answers add up to.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Probe } from '../../api/generated/types.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import type { ProbeKind, ProbeResult } from '../pod/init-actions.ts'
import type { AgentPod, PodContainer } from '../pod/types.ts'
import type { Outcome } from './outcome.ts'
import { runProbe } from './run-probe.ts'

export interface RunningProbe {
  stop(): void
}

export interface ProbeDependencies {
  runtime: ContainerRuntime
  clock: Clock
  recorder: Recorder
  /** Between 0 and 1. */
  random(): number
}

interface StartProbe extends ProbeDependencies {
  pod: AgentPod
  container: PodContainer
  probe: Probe
  kind: ProbeKind
  containerId: string
  /** Wall time. */
  startedAt: number
  /** That of a pod on the host's network changes with the node's. */
  podIp(): string
  report(result: ProbeResult): void
}

/** A container that runs longer than this was there before us: its probes are spread over their period. */
const adoptedMilliseconds = 10_000
/** A timer that fires this much late says more about this process than about the container. */
const lateMilliseconds = 250
const name: Record<ProbeKind, string> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

export function startProbe(options: StartProbe): RunningProbe {
  const { clock, probe, kind, recorder, pod, container } = options
  const period = (probe.periodSeconds ?? 10) * 1000
  const timeout = (probe.timeoutSeconds ?? 1) * 1000
  const thresholds = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 }
  let last: ProbeResult
  let run = 0
  let stopped = false
  let timer: Timer | undefined
  const abort = new AbortController()

  const since = clock.since(options.startedAt)
  const delay = Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - since)
  arm(delay > 0 ? delay : since > adoptedMilliseconds ? options.random() * period : 0)

  function arm(milliseconds: number): void {
    timer = clock.after(milliseconds, () => void once())
  }

  async function once(): Promise<void> {
    const began = clock.monotonic()
    const outcome = await withTimeout().catch((error: Error): Outcome => ({ result: 'error', output: error.message }))
    if (stopped) return
    judge(outcome)
    const held = (kind === 'liveness' && last === 'failure' && run >= thresholds.failure) || (kind === 'startup' && run >= thresholds[last ?? 'failure'])
    if (!stopped && !held) arm(Math.max(0, period - (clock.monotonic() - began)))
  }

  /** An own deadline that comes late makes the probe inconclusive: the answer may lie unread in this busy process. */
  function withTimeout(): Promise<Outcome> {
    const limit = new AbortController()
    const due = clock.monotonic() + timeout
    return new Promise((resolve, reject) => {
      const timeLimit = clock.after(timeout, () => {
        const late = clock.monotonic() - due > lateMilliseconds
        limit.abort(new Error('timeout'))
        if (late) resolve({ result: 'inconclusive', output: '' })
      })
      const signal = AbortSignal.any([limit.signal, abort.signal])
      runProbe({ ...options, podIp: options.podIp(), timeoutSeconds: probe.timeoutSeconds ?? 1, signal }).then(resolve, reject).finally(() => timeLimit.cancel())
    })
  }

  function judge({ result, output }: Outcome): void {
    if (result === 'inconclusive') return
    if (result === 'error') {
      recorder.container(pod, container, 'Warning', 'Unhealthy', `${name[kind]} probe errored and resulted in unknown state: ${output}`)
      return
    }
    if (result === 'warning') recorder.container(pod, container, 'Warning', 'ProbeWarning', `${name[kind]} probe warning: ${output}`)
    if (result === 'failure') recorder.container(pod, container, 'Warning', 'Unhealthy', `${name[kind]} probe failed: ${output}`)
    const counted = result === 'failure' ? 'failure' : 'success'
    run = last === counted ? run + 1 : 1
    last = counted
    if (run >= thresholds[counted]) options.report(counted)
  }

  return {
    stop() {
      stopped = true
      timer?.cancel()
      abort.abort(new Error('probe ended'))
    },
  }
}
