// The machine goes down: containers end as they wish to, within limits, and their network is given back. What the API knows of the pods
// stays as it is, so that all of them start again with the machine (upstream's graceful shutdown would leave bare pods `Failed`).
import { mayRun } from '../runtime/observed.ts'
import { killContainer } from './kill-container.ts'
import type { PodServices } from './services.ts'
import { isSidecar, type AgentPod } from './types.ts'

/** As much as upstream's documents suggest: ordinary pods first, then those that others need. */
const limits = { ordinary: 20, critical: 10 }
const criticalPriority = 2_000_000_000

/** Nothing else may act on the pods any more. Never rejects. */
export async function endPods(services: PodServices, pods: readonly AgentPod[]): Promise<void> {
  const isCritical = (pod: AgentPod) => (pod.spec.priority ?? 0) >= criticalPriority
  await Promise.all(pods.filter((pod) => !isCritical(pod)).map((pod) => endPod(services, pod, limits.ordinary)))
  await Promise.all(pods.filter(isCritical).map((pod) => endPod(services, pod, limits.critical)))
}

async function endPod(services: PodServices, pod: AgentPod, limitSeconds: number): Promise<void> {
  const { runtime, view, log } = services
  const { containers, sandboxes } = view.observe(pod.metadata.uid)
  const running = containers.filter(mayRun)
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name))
  const others = running.filter(({ name }) => !sidecars.has(name)).map(({ id }) => id)
  const graceSeconds = Math.min(pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30, limitSeconds)
  const podIp = (pod.spec.hostNetwork ? services.hostIps()[0] : sandboxes[0]?.ips[0]) ?? ''
  const ends = running.map(({ id, name }) =>
    killContainer(services, { pod, id, name, message: `Stopping container ${name}`, reason: 'Unknown', graceSeconds, after: sidecars.has(name) ? others : [], podIp }))
  const results = await Promise.allSettled(ends)
  results.push(...(await Promise.allSettled(sandboxes.filter(({ ready }) => ready).map(({ id }) => runtime.stopSandbox(id)))))
  for (const result of results) if (result.status === 'rejected') log.warn('a pod did not end cleanly with the machine', { pod: pod.metadata.name, error: result.reason as Error })
}
