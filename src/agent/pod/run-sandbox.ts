// The sandbox of a pod: cgroup, log directory, network.
import { mkdir } from 'node:fs/promises'
import type { SandboxSpec } from '../../runtime/container-runtime.ts'
import { podDns } from '../sandbox/dns.ts'
import { sandboxSpec } from '../sandbox/spec.ts'
import { rpcWording } from '../values.ts'
import type { PodServices } from './services.ts'
import type { AgentPod } from './types.ts'

export async function sandboxSpecOf(services: PodServices, pod: AgentPod, attempt: number): Promise<{ spec: SandboxSpec; warnings: string[] }> {
  const { clusterDns, clusterDomain, cgroups, directories } = services
  if (pod.spec.hostUsers === false) throw new Error(`can't set \`spec.hostUsers: false\`, runtime does not support user namespaces`)
  const dns = podDns({ pod, clusterDns, clusterDomain, host: await services.hostDns() })
  const runtimeHandler = await handlerOf(services, pod)
  const spec = sandboxSpec({ pod, attempt, dns: dns.config, clusterDomain, cgroupParent: cgroups.parentOf(pod), logRoot: directories.podLogs, runtimeHandler })
  return { spec, warnings: dns.warnings }
}

async function handlerOf(services: PodServices, { spec }: AgentPod): Promise<string> {
  if (!spec.runtimeClassName) return ''
  const found = await services.runtimeClass(spec.runtimeClassName)
  if (!found) throw new Error(`RuntimeClass "${spec.runtimeClassName}" not found`)
  return found.handler
}

/** Rejects with the runtime's error. The view knows the sandbox when this resolves. */
export async function runSandbox(services: PodServices, pod: AgentPod, attempt: number, replaces: boolean): Promise<void> {
  const { runtime, view, recorder, cgroups } = services
  try {
    if (replaces) {
      recorder.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      for (const { id } of view.observe(pod.metadata.uid).sandboxes) await runtime.stopSandbox(id)
    }
    const [{ spec, warnings }] = await Promise.all([sandboxSpecOf(services, pod, attempt), cgroups.ensurePod(pod)])
    for (const warning of warnings) recorder.pod(pod, 'Warning', 'DNSConfigForming', warning)
    await mkdir(spec.logDirectory, { recursive: true, mode: 0o755 })
    await view.refreshSandbox(await services.sandboxSlots(() => runtime.runSandbox(spec), pod.spec.priority))
  } catch (error) {
    // what was made of it may be there all the same, and hold its name
    view.recheck()
    recorder.pod(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${rpcWording(error as Error)}`)
    throw error
  }
}
