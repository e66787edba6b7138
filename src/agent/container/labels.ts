// Labels and annotations by which the runtime's objects are recognised again (source: k8s.io/kubernetes pkg/kubelet/kuberuntime labels).
import { createHash } from 'node:crypto'
import type { Container } from '../../api/generated/types.ts'
import type { AgentPod } from '../pod/types.ts'

export const labelKeys = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const

export const annotationKeys = {
  deletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  /** What it was created with, as JSON: in-place resizing compares with it. */
  resources: 'mk8s.io/container.resources',
} as const

export function podLabels({ metadata }: AgentPod): Record<string, string> {
  return { ...metadata.labels, [labelKeys.podName]: metadata.name, [labelKeys.podNamespace]: metadata.namespace, [labelKeys.podUid]: metadata.uid }
}

export function containerLabels({ metadata }: AgentPod, container: Container): Record<string, string> {
  return {
    [labelKeys.podName]: metadata.name,
    [labelKeys.podNamespace]: metadata.namespace,
    [labelKeys.podUid]: metadata.uid,
    [labelKeys.containerName]: container.name,
  }
}

/** Changes when the container must be replaced: with its name or image, not with what may be changed in place. */
export const containerHash = (container: Container): string =>
  createHash('sha256').update(JSON.stringify([container.name, container.image ?? ''])).digest('hex').slice(0, 8)

export function containerAnnotations(pod: AgentPod, container: Container, restartCount: number): Record<string, string> {
  const { deletionGracePeriodSeconds } = pod.metadata
  const { terminationGracePeriodSeconds } = pod.spec
  return {
    [annotationKeys.hash]: containerHash(container),
    [annotationKeys.restartCount]: String(restartCount),
    [annotationKeys.terminationMessagePath]: container.terminationMessagePath ?? '',
    [annotationKeys.terminationMessagePolicy]: container.terminationMessagePolicy ?? '',
    ...(deletionGracePeriodSeconds === undefined ? {} : { [annotationKeys.deletionGracePeriod]: String(deletionGracePeriodSeconds) }),
    ...(terminationGracePeriodSeconds === undefined ? {} : { [annotationKeys.terminationGracePeriod]: String(terminationGracePeriodSeconds) }),
    ...(container.lifecycle?.preStop ? { [annotationKeys.preStopHandler]: JSON.stringify(container.lifecycle.preStop) } : {}),
    [annotationKeys.resources]: JSON.stringify(container.resources ?? {}),
    ...(container.ports?.length ? { [annotationKeys.ports]: JSON.stringify(container.ports) } : {}),
  }
}
