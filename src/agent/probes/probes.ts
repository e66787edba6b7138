// The probes of all containers: started when a container runs, ended with it. Results are kept by container id.
import type { PodStatus, Probe } from '../../api/generated/types.ts'
import type { ProbeKind, ProbeResult } from '../pod/init-actions.ts'
import { isSidecar, type AgentPod, initContainers, regularContainers } from '../pod/types.ts'
import { isRunning, latest, type Observed } from '../runtime/observed.ts'
import { startProbe, type ProbeDependencies, type RunningProbe } from './running-probe.ts'

export interface Probes {
  result(containerId: string, kind: ProbeKind): ProbeResult
  /** Starts and ends probes so that they fit what runs. A pod that ends is asked for readiness only. */
  follow(pod: AgentPod, observed: Observed, status: PodStatus, ending: boolean): void
  forget(podUid: string): void
  /** @returns a function that unsubscribes. */
  onChange(listener: (podUid: string) => void): () => void
  stop(): void
}

interface ProbesOptions extends ProbeDependencies {
  hostIps(): readonly string[]
}

const kinds: readonly { kind: ProbeKind; field: 'startupProbe' | 'livenessProbe' | 'readinessProbe' }[] = [
  { kind: 'startup', field: 'startupProbe' }, { kind: 'liveness', field: 'livenessProbe' }, { kind: 'readiness', field: 'readinessProbe' },
]

export function createProbes(options: ProbesOptions): Probes {
  const running = new Map<string, RunningProbe & { podUid: string; probe: Probe }>()
  const results = new Map<string, { podUid: string; result: ProbeResult }>()
  const listeners = new Set<(podUid: string) => void>()
  const keyOf = (id: string, kind: ProbeKind) => `${id}/${kind}`

  function follow(pod: AgentPod, observed: Observed, status: PodStatus, ending: boolean): void {
    const podUid = pod.metadata.uid
    const wanted = new Set<string>()
    for (const container of [...regularContainers(pod), ...initContainers(pod).filter((c) => isSidecar(c.spec))]) {
      const current = latest(observed, container.spec.name)
      if (!current || !isRunning(current)) continue
      const started = results.get(keyOf(current.id, 'startup'))?.result === 'success' || !container.spec.startupProbe || startedBefore(status, current.id)
      for (const { kind, field } of kinds) {
        const probe = container.spec[field]
        const fits = kind === 'startup' ? !started : started
        if (!probe || !fits || (ending && kind !== 'readiness')) continue
        const key = keyOf(current.id, kind)
        wanted.add(key)
        if (running.has(key)) continue
        const podIp = () => (pod.spec.hostNetwork ? options.hostIps()[0] : observed.sandboxes[0]?.ips[0]) ?? ''
        const report = (result: ProbeResult) => set(key, podUid, result)
        running.set(key, { podUid, probe, ...startProbe({ ...options, pod, container, probe, kind, containerId: current.id, startedAt: current.startedAt, podIp, report }) })
      }
    }
    for (const [key, probe] of running) if (probe.podUid === podUid && !wanted.has(key)) end(key, probe)
    for (const [key, { podUid: of }] of results) if (of === podUid && !observed.containers.some((c) => key.startsWith(c.id))) results.delete(key)
  }

  /** After a restart of mk8s a container that had started is not asked again whether it has. */
  const startedBefore = (status: PodStatus, id: string) =>
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].some((s) => s.containerID?.endsWith(`//${id}`) && s.started === true)

  function end(key: string, probe: RunningProbe): void {
    probe.stop()
    running.delete(key)
  }

  function set(key: string, podUid: string, result: ProbeResult): void {
    if (results.get(key)?.result === result) return
    results.set(key, { podUid, result })
    for (const listener of listeners) listener(podUid)
  }

  return {
    result: (id, kind) => results.get(keyOf(id, kind))?.result,
    follow,
    forget(podUid) {
      for (const [key, probe] of running) if (probe.podUid === podUid) end(key, probe)
      for (const [key, { podUid: of }] of results) if (of === podUid) results.delete(key)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop() {
      for (const [key, probe] of running) end(key, probe)
    },
  }
}
