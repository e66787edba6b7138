// Defaults of pods and pod templates (source: pkg/apis/core/v1 `SetDefaults_*`). A pod gets more of them than a template.
import type { Container, Pod, PodSpec, PodTemplateSpec } from '../../../generated/types.ts'
import { defaultContainer } from './container-defaults.ts'
import { allContainers, runningContainers } from './containers.ts'
import { defaultPodLevelResources } from './pod-level-resources.ts'
import { defaultVolume } from './volume-defaults.ts'

function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  defaultServiceAccount(spec)
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  for (const container of allContainers(spec)) defaultContainer(container)
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are served. */
function defaultServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount
  if (!name) return
  spec.serviceAccountName = name
  spec.serviceAccount = name
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (!template) return
  template.metadata ??= {}
  if (template.spec) defaultPodSpec(template.spec)
}

/** `podIP` of old and `podIPs` say the same; where they differ the former holds. */
function alignAddresses({ status }: Pod): void {
  if (status?.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  else if (status?.podIPs?.length) status.podIP = status.podIPs[0]!.ip
}

export function defaultPod(pod: Pod): void {
  alignAddresses(pod)
  if (!pod.spec) return
  defaultPodSpec(pod.spec)
  // what pods of old may say; their templates keep it
  if (pod.spec.terminationGracePeriodSeconds! < 0) pod.spec.terminationGracePeriodSeconds = 1
  const containers = runningContainers(pod.spec)
  for (const container of containers) requestsFromLimits(container)
  defaultPodLevelResources(pod.spec)
  pod.spec.enableServiceLinks ??= true
  if (pod.spec.hostNetwork) defaultHostPorts(containers)
}

function requestsFromLimits({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests }
}

function defaultHostPorts(containers: readonly Container[]): void {
  for (const port of containers.flatMap((c) => c.ports ?? [])) port.hostPort ||= port.containerPort
}
