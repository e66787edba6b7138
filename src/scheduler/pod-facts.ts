// What scheduling needs to know of a pod, worked out once for each version of it.
import type { Affinity, Container, Pod, PodAffinityTerm, PodSpec, Toleration } from '../api/generated/types.ts'
import { parseQuantity } from '../api/quantity.ts'
import { labelSelectorOf, type LabelSelector } from '../api/selector.ts'
import type { LabelSelector as WireSelector } from '../api/generated/types.ts'

/** By resource name; `cpu` in thousandths, everything else in units. */
export type Amounts = Readonly<Record<string, number>>

export interface HostPort {
  protocol: string
  ip: string
  port: number
}

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
    requests: podRequests(spec),
    hostPorts: hostPorts(spec),
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

const maxAmounts = (a: Amounts, b: Amounts): Amounts => {
  const max: Record<string, number> = { ...a }
  for (const [name, amount] of Object.entries(b)) max[name] = Math.max(max[name] ?? 0, amount)
  return max
}

export function amountsOf(quantities: Readonly<Record<string, string | number>> | undefined): Amounts {
  return Object.fromEntries(Object.entries(quantities ?? {}).map(([name, text]) => [name, name === 'cpu' ? parseQuantity(text).milliValue() : parseQuantity(text).value()]))
}

/** Sidecars run beside everything that starts after them; other init containers run alone (KEP-753). Pod-level resources win (KEP-2837). */
export function podRequests(spec: PodSpec): Amounts {
  let running: Amounts = {}
  let peak: Amounts = {}
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(container.resources?.requests)
    if (container.restartPolicy === 'Always') {
      running = addAmounts(running, own)
      peak = maxAmounts(peak, running)
    } else peak = maxAmounts(peak, addAmounts(running, own))
  }
  for (const container of spec.containers) running = addAmounts(running, amountsOf(container.resources?.requests))
  const ofContainers = { ...maxAmounts(peak, running), ...amountsOf(spec.resources?.requests) }
  return addAmounts(ofContainers, amountsOf(spec.overhead))
}

function hostPorts(spec: PodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')
  const ofContainer = (container: Container): HostPort[] =>
    (container.ports ?? []).filter((p) => p.hostPort).map((p) => ({ protocol: p.protocol ?? 'TCP', ip: p.hostIP || '0.0.0.0', port: p.hostPort! }))
  return [...spec.containers, ...sidecars].flatMap(ofContainer)
}
