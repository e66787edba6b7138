// Ends one container: preStop, its turn among the sidecars, the stop signal, all within one grace period.
import { annotationKeys } from '../container/labels.ts'
import { runHandler } from '../lifecycle/handlers.ts'
import type { LifecycleHandler, Probe } from '../../api/generated/types.ts'
import type { PodServices } from './services.ts'
import type { KillReason } from './steps.ts'
import { findContainer, type AgentPod, type PodContainer } from './types.ts'

interface KillContainer {
  pod: AgentPod
  id: string
  name: string
  message: string
  reason: KillReason
  /** Instead of what the pod grants. */
  graceSeconds?: number
  /** Ids of containers that must have ended before the stop signal. */
  after: readonly string[]
  podIp: string
}

const leastGraceSeconds = 2

export async function killContainer(services: PodServices, request: KillContainer): Promise<void> {
  const { runtime, view, clock, recorder } = services
  const { pod, id, name, message } = request
  const container = findContainer(pod, name) ?? restored(services, id, name)
  const grace = request.graceSeconds ?? graceOf(pod, container, request.reason)
  recorder.container(pod, container, 'Normal', 'Killing', message)
  const began = clock.monotonic()
  const left = () => grace - Math.floor((clock.monotonic() - began) / 1000)
  const preStop = container.spec.lifecycle?.preStop
  if (preStop && grace > 0) await preStopHook(services, request, container, preStop, grace)
  if (request.after.length > 0) await exited(services, request.after, Math.max(0, left()) * 1000)
  await runtime.stopContainer(id, Math.max(leastGraceSeconds, left()))
  await view.refreshContainer(id)
}

/** A probe may grant another time than the pod. */
function graceOf(pod: AgentPod, { spec }: PodContainer, reason: KillReason): number {
  const probe: Probe | undefined = reason === 'LivenessProbe' ? spec.livenessProbe : reason === 'StartupProbe' ? spec.startupProbe : undefined
  return pod.metadata.deletionGracePeriodSeconds ?? probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
}

async function preStopHook(services: PodServices, request: KillContainer, container: PodContainer, handler: LifecycleHandler, graceSeconds: number): Promise<void> {
  const { pod, id, podIp } = request
  const abort = new AbortController()
  const timer = services.clock.after(graceSeconds * 1000, () => abort.abort(new Error('grace period is over')))
  try {
    await runHandler(handler, { ...services, pod, container, containerId: id, podIp, signal: abort.signal })
  } catch {
    if (!abort.signal.aborted) services.recorder.container(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
  } finally {
    timer.cancel()
  }
}

/** Resolves when none of them runs any more, or when time is up. */
function exited({ view, clock }: PodServices, ids: readonly string[], milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => (timer.cancel(), unsubscribe(), resolve())
    const check = () => ids.every((id) => view.container(id)?.state !== 'running') && finish()
    const timer = clock.after(milliseconds, finish)
    const unsubscribe = view.onChange(check)
    check()
  })
}

/** What its annotations keep of a container that the pod's spec no longer names. */
function restored({ view }: PodServices, id: string, name: string): PodContainer {
  const raw = view.container(id)?.annotations[annotationKeys.preStopHandler]
  return { kind: 'regular', spec: { name, ...(raw ? { lifecycle: { preStop: JSON.parse(raw) as LifecycleHandler } } : {}) } }
}
