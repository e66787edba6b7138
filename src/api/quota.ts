// What objects count for in a ResourceQuota (source: pkg/quota/v1/evaluator/core). Pure; used where writes are admitted and where usage is summed up.
import type { Container, PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuota, ScopedResourceSelectorRequirement, Service } from './generated/types.ts'
import type { KubeObject } from './object.ts'
import { isTerminalPhase } from './pod-phase.ts'
import { addAmounts, parseAmounts, podTotal } from './pod-resources.ts'
import type { ResourceAmounts } from './pod-resources.ts'
import { parseQuantity } from './quantity.ts'
import type { Quantity } from './quantity.ts'
import { qosClassOf } from './qos.ts'

const one = parseQuantity('1')
const zero = parseQuantity('0')

/** Kinds whose number has a name of its own beside `count/KIND`. */
const aliases: Readonly<Record<string, string>> = {
  configmaps: 'configmaps', resourcequotas: 'resourcequotas', replicationcontrollers: 'replicationcontrollers', secrets: 'secrets',
}
const podNames = new Set([
  'count/pods', 'pods', 'cpu', 'memory', 'ephemeral-storage',
  'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage',
])
const serviceNames = new Set(['count/services', 'services', 'services.nodeports', 'services.loadbalancers'])
const claimNames = ['persistentvolumeclaims', 'requests.storage']
const classSuffix = '.storageclass.storage.k8s.io/'

/** Of the names in a quota, those that objects of the kind (`pods`, `replicasets.apps`) count for. */
export const trackedNames = (kind: string, names: readonly string[]): string[] => names.filter((name) => isTracked(kind, name))

function isTracked(kind: string, name: string): boolean {
  if (name === `count/${kind}` || (aliases[kind] !== undefined && name === aliases[kind])) return true
  if (kind === 'pods') return podNames.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || isExtendedRequest(name)
  if (kind === 'services') return serviceNames.has(name)
  if (kind === 'persistentvolumeclaims') return claimNames.some((known) => name === known || name.endsWith(classSuffix + known))
  return false
}

/** As in `requests.nvidia.com/gpu`. */
function isExtendedRequest(name: string): boolean {
  if (!name.startsWith('requests.') || name.includes(classSuffix)) return false
  const domain = name.slice('requests.'.length)
  return domain.includes('/') && !domain.includes('kubernetes.io/')
}

/** @param now wall time in milliseconds */
export function quotaUsage(kind: string, object: KubeObject, now: number): ResourceAmounts {
  const usage: ResourceAmounts = new Map([[`count/${kind}`, one]])
  if (aliases[kind]) usage.set(aliases[kind], one)
  if (kind === 'pods') addAmounts(usage, podUsage(object as Pod, now))
  else if (kind === 'services') addAmounts(usage, serviceUsage(object as Service))
  else if (kind === 'persistentvolumeclaims') addAmounts(usage, claimUsage(object as PersistentVolumeClaim))
  return usage
}

/** A pod that has ended, or should have ended, uses nothing. */
function isCharged({ metadata, status }: Pod, now: number): boolean {
  if (isTerminalPhase(status?.phase)) return false
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata ?? {}
  return !(deletionTimestamp && grace !== undefined && now > Date.parse(deletionTimestamp) + grace * 1000)
}

function podUsage(pod: Pod, now: number): ResourceAmounts {
  if (!isCharged(pod, now)) return new Map()
  return computeUsage(podTotal(pod, 'requests'), podTotal(pod, 'limits'))
}

function computeUsage(requests: ResourceAmounts, limits: ResourceAmounts): ResourceAmounts {
  const usage: ResourceAmounts = new Map([['pods', one]])
  for (const [name, amount] of requests) {
    const native = ['cpu', 'memory', 'ephemeral-storage'].includes(name)
    if (native || name.startsWith('hugepages-')) usage.set(name, amount)
    usage.set(`requests.${name}`, amount)
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const limit = limits.get(name)
    if (limit) usage.set(`limits.${name}`, limit)
  }
  return usage
}

function serviceUsage({ spec }: Service): ResourceAmounts {
  const ports = spec?.ports ?? []
  const balanced = spec?.type === 'LoadBalancer'
  const counted = balanced && spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports
  const nodePorts = balanced || spec?.type === 'NodePort' ? counted.length : 0
  return new Map([['services', one], ['services.loadbalancers', balanced ? one : zero], ['services.nodeports', parseQuantity(String(nodePorts))]])
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): ResourceAmounts {
  const usage: ResourceAmounts = new Map([['persistentvolumeclaims', one]])
  const [asked, allocated] = [spec?.resources?.requests?.storage, status?.allocatedResources?.storage]
  const sizes = asked === undefined ? [] : [asked, allocated].flatMap((text) => (text === undefined ? [] : [parseQuantity(text)]))
  const largest = sizes.sort((a, b) => b.compare(a))[0]
  if (largest) usage.set('requests.storage', parseQuantity(String(largest)))
  const storageClass = metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName
  if (storageClass) for (const [name, amount] of [...usage]) usage.set(storageClass + classSuffix + name, amount)
  return usage
}

/** Does the quota's scope take in this object? A quota without scopes takes in everything. */
export const inScope = ({ spec }: ResourceQuota, kind: string, object: KubeObject): boolean =>
  [...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(spec?.scopeSelector?.matchExpressions ?? [])]
    .every((selector) => {
      if (kind === 'pods') return podInScope(object as Pod, selector)
      return kind === 'persistentvolumeclaims' && claimInScope(object as PersistentVolumeClaim, selector)
    })

export const isTerminatingPod = ({ spec }: Pod): boolean => spec?.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0

function podInScope(pod: Pod, selector: ScopedResourceSelectorRequirement): boolean {
  const bestEffort = () => pod.spec !== undefined && qosClassOf(pod.spec) === 'BestEffort'
  switch (selector.scopeName) {
    case 'Terminating': return isTerminatingPod(pod)
    case 'NotTerminating': return !isTerminatingPod(pod)
    case 'BestEffort': return bestEffort()
    case 'NotBestEffort': return !bestEffort()
    case 'PriorityClass': return selects(selector, pod.spec?.priorityClassName ? [pod.spec.priorityClassName] : [])
    case 'CrossNamespacePodAffinity': return crossesNamespaces(pod)
    default: return false
  }
}

function claimInScope({ spec, status }: PersistentVolumeClaim, selector: ScopedResourceSelectorRequirement): boolean {
  const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName]
  return selector.scopeName === 'VolumeAttributesClass' && selects(selector, names.flatMap((name) => name || []))
}

function selects({ operator, values = [] }: ScopedResourceSelectorRequirement, names: readonly string[]): boolean {
  if (operator === 'Exists') return names.length > 0
  if (operator === 'DoesNotExist') return names.length === 0
  const among = names.some((name) => values.includes(name))
  return operator === 'In' ? among : operator === 'NotIn' && (!names.length || names.some((name) => !values.includes(name)))
}

function crossesNamespaces({ spec }: Pod): boolean {
  const crosses = ({ namespaces, namespaceSelector }: PodAffinityTerm) => (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined
  return [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].some((affinity) => {
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution?.map(({ podAffinityTerm }) => podAffinityTerm) ?? []
    return [...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...preferred].some(crosses)
  })
}

const demanded = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory']

/** Where a quota counts cpu or memory, every container must say how much it wants. @returns what is missing, undefined when nothing is. */
export function missingRequests({ spec }: Pod, names: readonly string[]): string | undefined {
  if (spec?.resources?.requests || spec?.resources?.limits) return undefined
  const containers: Container[] = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const told = containers.map(({ name, resources }) => ({ name, usage: computeUsage(parseAmounts(resources?.requests), parseAmounts(resources?.limits)) }))
  const missing = demanded.filter((name) => names.includes(name)).flatMap((name) => {
    const silent = told.filter(({ usage }) => !usage.has(name)).map((container) => container.name).sort()
    return silent.length ? [`${name} for: ${silent.join(',')}`] : []
  })
  return missing.length ? `must specify ${missing.join('; ')}` : undefined
}

/** As in `cpu=1,pods=2`. */
export const describeAmounts = (amounts: ReadonlyMap<string, Quantity>): string =>
  [...amounts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, amount]) => `${name}=${amount}`).join(',')

export const zeroAmount = zero
