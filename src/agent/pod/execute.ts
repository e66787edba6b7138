// One executor for each step. They change the world, never the worker's memory: what failed, and when to try again, comes back as an error.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResourceRequirements } from '../../api/generated/types.ts'
import { pods } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import { logLink } from '../collect/dead-containers.ts'
import { containerResources } from '../resources/linux-resources.ts'
import { killContainer } from './kill-container.ts'
import { runSandbox, sandboxSpecOf } from './run-sandbox.ts'
import type { PodServices } from './services.ts'
import { startContainer } from './start-container.ts'
import type { Step } from './steps.ts'
import { findContainer, type AgentPod, type PodContainer } from './types.ts'

interface Execution {
  pod: AgentPod
  signal: AbortSignal
  started(name: string): void
  resized(id: string, resources: ResourceRequirements): void
  /** A container could not be started; the others are tried all the same. */
  startFailed(name: string, error: Error): void
  /** The API no longer has the pod. */
  gone(): void
}

export async function execute(services: PodServices, step: Step, execution: Execution): Promise<void> {
  const { pod } = execution
  const { uid, name, namespace } = pod.metadata
  const { runtime, view } = services
  switch (step.do) {
    case 'prepare-volumes':
      await services.volumes.prepare(pod)
      return
    case 'run-sandbox':
      return runSandbox(services, pod, step.attempt, step.replaces)
    case 'start-containers':
      return startAll(services, step.sandboxId, step.containers, execution)
    case 'kill-container': {
      const podIp = (pod.spec.hostNetwork ? services.hostIps()[0] : view.observe(uid).sandboxes[0]?.ips[0]) ?? ''
      return killContainer(services, { ...step, pod, podIp })
    }
    case 'update-resources': {
      const container = findContainer(pod, step.name)
      if (!container) return
      // A cgroup cannot be wider than the one above it: that one grows first and shrinks last.
      await services.cgroups.ensurePod(pod).catch(() => {})
      await runtime.updateResources(step.id, containerResources(pod, container.spec, { memoryCapacityBytes: services.memoryCapacityBytes, unified: services.cgroups.unified }))
      await services.cgroups.ensurePod(pod)
      execution.resized(step.id, container.spec.resources ?? {})
      return
    }
    case 'stop-sandbox':
      await runtime.stopSandbox(step.id)
      await view.refreshSandbox(step.id)
      return
    case 'remove-container': {
      const container = view.container(step.id)
      await runtime.removeContainer(step.id)
      if (container) await rm(logLink(services.directories.containerLogs, container), { force: true })
      await view.refreshContainer(step.id)
      return
    }
    case 'remove-sandbox':
      await runtime.removeSandbox(step.id)
      await view.refreshSandbox(step.id)
      return
    case 'release-resources':
      await services.volumes.release(uid)
      await services.cgroups.removePod(uid)
      await rm(join(services.directories.root, 'pods', uid), { recursive: true, force: true })
      return
    case 'delete-pod':
      try {
        await services.client.resource(pods, namespace).delete(name, { gracePeriodSeconds: 0, preconditions: { uid } })
      } catch (error) {
        if (!(error instanceof StatusError) || (error.code !== 404 && error.code !== 409)) throw error
      }
      execution.gone()
  }
}

/** In order, as upstream: a postStart hook holds the containers behind it back. An init container that fails holds back all. */
async function startAll(services: PodServices, sandboxId: string, containers: readonly PodContainer[], execution: Execution): Promise<void> {
  const { pod, signal } = execution
  const sandbox = services.view.observe(pod.metadata.uid).sandboxes.find((s) => s.id === sandboxId)
  if (!sandbox) return
  const { spec: sandboxSpec } = await sandboxSpecOf(services, pod, sandbox.attempt)
  for (const container of containers) {
    try {
      await startContainer(services, { pod, container, sandbox, sandboxSpec, signal })
      execution.started(container.spec.name)
    } catch (error) {
      if (signal.aborted) return
      execution.startFailed(container.spec.name, error as Error)
      if (container.kind === 'init') return
    }
  }
}
