// All pods of this node: a worker for each, fed by the API, the runtime and the probes. Also adopts what runs already and ends what no pod owns.
import { rm } from 'node:fs/promises'
import type { Pod, PodStatus } from '../../api/generated/types.ts'
import type { Informer } from '../../client/informer.ts'
import type { Probes } from '../probes/probes.ts'
import { podLogDirectory } from '../sandbox/spec.ts'
import type { StatusWriter } from '../status/writer.ts'
import { admit, type Admission } from './admission.ts'
import { resizePending } from './resize.ts'
import { createPodWorker, type PodWorker } from './worker.ts'
import type { PodServices } from './services.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { asAgentPod, type AgentPod } from './types.ts'
import { removeOrphan, removeOrphans } from './orphans.ts'

export interface Pods {
  find(uid: string): PodWorker | undefined
  byName(namespace: string, name: string): PodWorker | undefined
  all(): readonly PodWorker[]
  /** What runs for no pod of the API, or lies on disk for none. Only when the API's pods are known. */
  removeOrphans(): Promise<void>
  stop(): void
}

interface PodsOptions {
  informer: Informer<Pod>
  services: PodServices
  statuses: StatusWriter
  probes: Probes
  admission(): Admission
}

export function startPods({ informer, services, statuses, probes, admission }: PodsOptions): Pods {
  const workers = new Map<string, PodWorker>()
  /** Orphans that are being removed. */
  const ending = new Set<string>()
  const { view, recorder } = services

  function open(pod: AgentPod): PodWorker {
    const worker = createPodWorker({
      pod, services, statuses, probe: probes.result,
      resizePending: (current) => resizePending(current, othersThan(current.metadata.uid), admission().node),
      onRound: (current, status, ending) => follow(current, status, ending),
      onFinished: (uid) => {
        workers.delete(uid)
        statuses.forget(uid)
        probes.forget(uid)
        services.images.forgetPod(uid)
        worker.stop()
        void rm(podLogDirectory(services.directories.podLogs, worker.pod()), { recursive: true, force: true })
      },
    })
    workers.set(worker.uid, worker)
    refuseUnfit(worker)
    return worker
  }

  /** Pods that take up room beside this one. */
  const othersThan = (uid: string) => [...workers.values()].filter((w) => w.uid !== uid && !isTerminalPhase(w.status().phase)).map((w) => w.allocated())

  /** Only a pod that has not begun can be refused. */
  function refuseUnfit(worker: PodWorker): void {
    const pod = worker.pod()
    const begun = view.observe(pod.metadata.uid).containers.length > 0 || pod.metadata.deletionTimestamp || isTerminalPhase(pod.status.phase)
    if (begun) return
    const refusal = admit(pod, othersThan(pod.metadata.uid), admission())
    if (!refusal) return
    recorder.pod(pod, 'Warning', refusal.reason, refusal.message)
    worker.fail({ reason: refusal.reason, message: `Pod was rejected: ${refusal.message}` }, 0)
  }

  function follow(pod: AgentPod, status: PodStatus, ending: boolean): void {
    probes.follow(pod, view.observe(pod.metadata.uid), status, ending)
  }

  /** What was being made for a pod when the runtime was ended comes to light when the runtime is back, and the pod may be gone by then. */
  async function endOrphan(uid: string): Promise<void> {
    const { sandboxes, containers } = view.observe(uid)
    if (ending.has(uid) || sandboxes.length + containers.length === 0) return
    ending.add(uid)
    await removeOrphan(services, uid).catch((error: Error) => services.log.warn('orphan not removed', { pod: uid, error }))
    ending.delete(uid)
  }

  const unsubscribe = [
    informer.onChange((before, now) => {
      if (now) {
        const pod = asAgentPod(now)
        const worker = workers.get(pod.metadata.uid)
        if (worker) worker.update(pod)
        else open(pod).wake()
      }
      const old = before && before.metadata.uid !== now?.metadata.uid ? workers.get(before.metadata.uid) : undefined
      if (old && before) {
        old.update(asAgentPod(before))
        old.gone()
      }
    }),
    view.onChange((uid) => {
      const worker = workers.get(uid)
      if (worker) worker.wake()
      else void endOrphan(uid)
    }),
    probes.onChange((uid) => workers.get(uid)?.wake()),
  ]

  return {
    find: (uid) => workers.get(uid),
    byName: (namespace, name) => [...workers.values()].find(({ pod }) => pod().metadata.name === name && pod().metadata.namespace === namespace),
    all: () => [...workers.values()],
    removeOrphans: () => removeOrphans(services, (uid) => workers.has(uid)),
    stop() {
      for (const end of unsubscribe) end()
      for (const worker of workers.values()) worker.stop()
    },
  }
}
