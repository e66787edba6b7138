// The shapes the agent works with: a pod as the API serves it (spec and namespace are always there), and a container of any of its three lists.
import type { Container, EphemeralContainer, ObjectMeta, Pod, PodSpec, PodStatus } from '../../api/generated/types.ts'

export interface AgentPod extends Pod {
  apiVersion: string
  kind: string
  metadata: ObjectMeta & { name: string; namespace: string; uid: string; resourceVersion: string; creationTimestamp: string }
  spec: PodSpec
  status: PodStatus
}

type ContainerKind = 'init' | 'regular' | 'ephemeral'

/** A container of the pod's spec; an ephemeral one has all the fields of a container that matter at run time. */
export interface PodContainer {
  kind: ContainerKind
  spec: Container & Pick<EphemeralContainer, 'targetContainerName'>
}

export function asAgentPod(pod: Pod): AgentPod {
  return (pod.status ? pod : { ...pod, status: {} }) as AgentPod
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const initContainers = (pod: AgentPod): PodContainer[] => (pod.spec.initContainers ?? []).map((spec) => ({ kind: 'init', spec }))
export const regularContainers = (pod: AgentPod): PodContainer[] => pod.spec.containers.map((spec) => ({ kind: 'regular', spec }))
export const ephemeralContainers = (pod: AgentPod): PodContainer[] =>
  (pod.spec.ephemeralContainers ?? []).map((spec) => ({ kind: 'ephemeral', spec }))

const allContainers = (pod: AgentPod): PodContainer[] => [...initContainers(pod), ...regularContainers(pod), ...ephemeralContainers(pod)]

export const findContainer = (pod: AgentPod, name: string): PodContainer | undefined => allContainers(pod).find((c) => c.spec.name === name)

const systemCritical = 2_000_000_000

/** The node does without others first: such a pod is admitted under pressure and never evicted for it (source: pkg/kubelet/types `IsCriticalPod`). */
export const isCritical = ({ metadata, spec }: AgentPod): boolean => metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined || (spec.priority ?? 0) >= systemCritical

/** As messages name a pod: `name_namespace(uid)`. */
export const podFullName = (pod: AgentPod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`

/** `spec.containers{name}`: where events point. */
export function containerFieldPath({ kind, spec }: PodContainer): string {
  const list = kind === 'init' ? 'initContainers' : kind === 'ephemeral' ? 'ephemeralContainers' : 'containers'
  return `spec.${list}{${spec.name}}`
}

/** Seconds in which a pod under deletion may end. */
export const terminationGrace = (pod: AgentPod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
