// What scheduling needs to know of a pod, worked out once for each version of it.
import type { Affinity, Pod, PodAffinityTerm, PodSpec, Toleration } from '../api/generated/types.ts'
import { hostPortsOf, type HostPort } from '../api/host-ports.ts'
import { podAmounts, type Amounts } from '../api/pod-amounts.ts'
import { labelSelectorOf, type LabelSelector } from '../api/selector.ts'
import type { LabelSelector as WireSelector } from '../api/generated/types.ts'

export interface AffinityTerm {
  topologyKey: string
  selector: LabelSelector
  /** Names of namespaces; undefined: every namespace that `namespaceSelector` matches. */
  namespaces: ReadonlySet<string>
  namespaceSelector: LabelSelector | undefined
}

export interface PodFacts {
  readonly pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
  readonly priority: number
  readonly requests: Amounts
  readonly hostPorts: readonly HostPort[]
  readonly tolerations: readonly Toleration[]
  readonly requiredAffinity: readonly AffinityTerm[]
  readonly requiredAntiAffinity: readonly AffinityTerm[]
  readonly preferredAffinity: readonly { weight: number; term: AffinityTerm }[]
  readonly preferredAntiAffinity: readonly { weight: number; term: AffinityTerm }[]
}

const known = new WeakMap<Pod, PodFacts>()

/** `pod` must not change afterwards (objects of informers are frozen). */
export function podFacts(pod: Pod): PodFacts {
  let facts = known.get(pod)
  if (!facts) known.set(pod, (facts = workOut(pod)))
  return facts
}

function workOut(pod: Pod): PodFacts {
  const spec = pod.spec ?? { containers: [] }
  const affinity: Affinity = spec.affinity ?? {}
  const term = (t: PodAffinityTerm) => affinityTerm(t, pod)
  const preferred = (terms: { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined) => (terms ?? []).map((t) => ({ weight: t.weight, term: term(t.podAffinityTerm) }))
  return {
    pod,
    key: `${pod.metadata?.namespace}/${pod.metadata?.name}`,
    uid: pod.metadata?.uid ?? '',
    namespace: pod.metadata?.namespace ?? '',
    labels: pod.metadata?.labels ?? {},
    spec,
    priority: spec.priority ?? 0,
    requests: podAmounts({ spec }, 'requests'),
    hostPorts: hostPortsOf(spec),
    tolerations: spec.tolerations ?? [],
    requiredAffinity: (affinity.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    requiredAntiAffinity: (affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferredAffinity: preferred(affinity.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(affinity.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  }
}

function affinityTerm(term: PodAffinityTerm, pod: Pod): AffinityTerm {
  const ownNamespace = !term.namespaces?.length && !term.namespaceSelector
  return {
    topologyKey: term.topologyKey,
    selector: labelSelectorOf(withLabelKeys(term.labelSelector, pod, term.matchLabelKeys, term.mismatchLabelKeys)),
    namespaces: new Set(ownNamespace ? [pod.metadata?.namespace ?? ''] : term.namespaces),
    namespaceSelector: term.namespaceSelector && labelSelectorOf(term.namespaceSelector),
  }
}

/** KEP-3633: the pod's own values of some labels join its selector. */
export function withLabelKeys(selector: WireSelector | undefined, pod: Pod, matching: readonly string[] = [], mismatching: readonly string[] = []): WireSelector | undefined {
  const labels = pod.metadata?.labels ?? {}
  const added = [
    ...matching.filter((key) => key in labels).map((key) => ({ key, operator: 'In', values: [labels[key]!] })),
    ...mismatching.filter((key) => key in labels).map((key) => ({ key, operator: 'NotIn', values: [labels[key]!] })),
  ]
  return selector && added.length > 0 ? { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] } : selector
}

export const addAmounts = (a: Amounts, b: Amounts, sign: 1 | -1 = 1): Amounts => {
  const sum: Record<string, number> = { ...a }
  for (const [name, amount] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + sign * amount
  return sum
}
