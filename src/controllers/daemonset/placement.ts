// On which nodes a daemon runs, and the pod it runs there.
import type { DaemonSet, Node, Pod, PodSpec, Toleration } from '../../api/generated/types.ts'
import { nodeAffinityMatcher } from '../../api/node-selector.ts'
import type { Stored } from '../../api/object.ts'
import { untolerated } from '../../api/tolerations.ts'
import { podFromTemplate } from '../common/pods.ts'

export type PodsByNode = ReadonlyMap<string, readonly Stored<Pod>[]>

export const hashLabel = 'controller-revision-hash'
const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

const conditionTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const hostNetworkToleration: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }

function tolerationsOf(spec: PodSpec): Toleration[] {
  const added = spec.hostNetwork ? [...conditionTolerations, hostNetworkToleration] : conditionTolerations
  const own = (spec.tolerations ?? []).filter((t) => !added.some((a) => a.key === t.key && a.operator === t.operator && a.effect === t.effect && !t.value))
  return [...own, ...added]
}

interface Verdict {
  run: boolean
  /** What runs there already may stay. */
  stay: boolean
}

export function judge(set: DaemonSet, node: Stored<Node>): Verdict {
  const spec = set.spec!.template.spec!
  const { name, labels = {} } = node.metadata
  if ((spec.nodeName && spec.nodeName !== name) || nodeAffinityMatcher(spec)?.({ name, labels }) === false) return { run: false, stay: false }
  const taints = node.spec?.taints ?? []
  const tolerations = tolerationsOf(spec)
  return { run: !untolerated(tolerations, taints, ['NoSchedule', 'NoExecute']), stay: !untolerated(tolerations, taints, ['NoExecute']) }
}

/** A pod that the scheduler can only put on `node`. */
export function daemonPod(set: Stored<DaemonSet>, node: string, hash: string): Pod {
  const pod = podFromTemplate(set.spec!.template, set)
  const spec = pod.spec!
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = { ...pod.metadata?.labels, [hashLabel]: hash, ...(generation ? { [generationLabel]: generation } : {}) }
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] },
  }
  return { metadata: { ...pod.metadata, labels }, spec: { ...spec, tolerations: tolerationsOf(spec), affinity: { ...spec.affinity, nodeAffinity } } }
}

/** The node a daemon's pod is on, or is meant for. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.flatMap((term) => term.matchFields ?? []).find((field) => field.key === 'metadata.name' && field.operator === 'In')?.values?.[0]
}

export function isUpdated(set: Stored<DaemonSet>, pod: Pod, hash: string): boolean {
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = pod.metadata?.labels ?? {}
  return (generation !== undefined && labels[generationLabel] === generation) || labels[hashLabel] === hash
}
