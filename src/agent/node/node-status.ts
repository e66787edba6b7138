// The Node object: labels and taints at registration, and its status. Pure.
import { rfc3339 } from '../../base/clock.ts'
import type { ContainerImage, Node, NodeCondition, NodeStatus, Taint } from '../../api/generated/types.ts'
import type { Image, RuntimeInfo } from '../../runtime/container-runtime.ts'
import { bytesQuantity, thresholdQuantity, type PressureCondition, type Signal } from '../eviction/thresholds.ts'
import type { KubeletSettings } from '../settings/settings.ts'
import { machineArchitecture, type Machine } from './machine.ts'

export interface NodeIdentity {
  name: string
  /** First one is the node's InternalIP. */
  ips(): readonly string[]
  hostname: string
  labels: Record<string, string>
  taints: readonly Taint[]
  settings: Pick<KubeletSettings, 'maxPods' | 'reserved' | 'eviction'>
  /** Port of the agent's HTTPS endpoints. */
  port: number
  /** As in `v1.36.3+mk8s1`. */
  version: string
}

interface NodeStatusInput {
  identity: NodeIdentity
  machine: Machine
  runtime: RuntimeInfo
  images: readonly Image[]
  pressure: readonly PressureCondition[]
  /** What was last reported; extended resources of others are kept. */
  old: NodeStatus | undefined
  now: number
}

const imagesShown = 50

export function newNode(identity: NodeIdentity, status: NodeStatus): Node {
  return {
    metadata: {
      name: identity.name,
      labels: labelsOf(identity),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: identity.taints.length > 0 ? { taints: [...identity.taints] } : {},
    status,
  }
}

export function labelsOf({ hostname, labels }: NodeIdentity): Record<string, string> {
  const architecture = machineArchitecture()
  return {
    'beta.kubernetes.io/arch': architecture, 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture, 'kubernetes.io/os': 'linux',
    'kubernetes.io/hostname': hostname, 'node.kubernetes.io/instance-type': 'mk8s', 'beta.kubernetes.io/instance-type': 'mk8s', ...labels,
  }
}

export function nodeStatus({ identity, machine, runtime, images, pressure, old, now }: NodeStatusInput): NodeStatus {
  const own = resources(machine, identity.settings.maxPods)
  return {
    addresses: [...identity.ips().map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: identity.hostname }],
    allocatable: { ...old?.allocatable, ...own, ...allocatable(machine, identity.settings) },
    capacity: { ...old?.capacity, ...own },
    conditions: conditions({ runtime, pressure, old, now }),
    daemonEndpoints: { kubeletEndpoint: { Port: identity.port } },
    images: imageList(images),
    nodeInfo: { ...machine.info, containerRuntimeVersion: `${runtime.name}://${runtime.version}`, kubeletVersion: identity.version, kubeProxyVersion: '' },
    runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: runtime.features.recursiveReadOnlyMounts, userNamespaces: runtime.features.userNamespaces } }],
    features: { supplementalGroupsPolicy: false },
  }
}

function resources({ cpus, memoryBytes, diskBytes, hugePages }: Machine, maxPods: number): Record<string, string> {
  const huge = Object.entries(hugePages)
  const reserved = huge.reduce((sum, [, bytes]) => sum + bytes, 0)
  return {
    cpu: String(cpus),
    memory: `${Math.floor((memoryBytes - reserved) / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(diskBytes / 1024)}Ki`,
    pods: String(maxPods),
    ...Object.fromEntries(huge.map(([size, bytes]) => [`hugepages-${size}`, bytes === 0 ? '0' : `${Math.floor(bytes / 1024)}Ki`])),
  }
}

/** What is left for pods: capacity without what is reserved and what the hard eviction thresholds keep free. */
function allocatable({ cpus, memoryBytes, diskBytes, hugePages }: Machine, { reserved, eviction }: NodeIdentity['settings']): Record<string, string> {
  const kept = (signal: Signal, capacity: number) => {
    const threshold = eviction.thresholds.findLast((t) => t.signal === signal && t.graceMilliseconds === 0)
    return threshold ? thresholdQuantity(threshold.value, capacity).value() : 0
  }
  const huge = Object.values(hugePages).reduce((sum, bytes) => sum + bytes, 0)
  const memory = Math.floor((memoryBytes - huge) / 1024) * 1024 - (reserved.memory ?? 0) - kept('memory.available', memoryBytes)
  const disk = Math.floor(diskBytes / 1024) * 1024 - (reserved['ephemeral-storage'] ?? 0) - kept('nodefs.available', diskBytes)
  const cpu = Math.max(0, cpus * 1000 - (reserved.cpu ?? 0))
  return { cpu: cpu % 1000 === 0 ? String(cpu / 1000) : `${cpu}m`, memory: kibibytes(Math.max(0, memory)), 'ephemeral-storage': bytesQuantity(Math.max(0, disk)).toString() }
}

const kibibytes = (bytes: number) => (bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes))

function imageList(images: readonly Image[]): ContainerImage[] {
  const bySize = [...images].sort((a, b) => b.sizeBytes - a.sizeBytes)
  return bySize.slice(0, imagesShown).map(({ repoDigests, repoTags, sizeBytes }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes }))
}

const pressureWords: Record<PressureCondition, Record<'yes' | 'no', [state: string, message: string]>> = {
  MemoryPressure: { yes: ['HasInsufficientMemory', 'has insufficient memory available'], no: ['HasSufficientMemory', 'has sufficient memory available'] },
  DiskPressure: { yes: ['HasDiskPressure', 'has disk pressure'], no: ['HasNoDiskPressure', 'has no disk pressure'] },
  PIDPressure: { yes: ['HasInsufficientPID', 'has insufficient PID available'], no: ['HasSufficientPID', 'has sufficient PID available'] },
}
const pressureTypes = Object.keys(pressureWords) as PressureCondition[]

/** Reasons of events: what has changed from one report to the next. */
export function pressureTransitions(old: NodeStatus | undefined, now: NodeStatus): string[] {
  const of = (status: NodeStatus | undefined, type: string) => status?.conditions?.find((c) => c.type === type)?.status
  return pressureTypes.filter((type) => of(old, type) !== of(now, type)).map((type) => `Node${pressureWords[type][of(now, type) === 'True' ? 'yes' : 'no'][0]}`)
}

function conditions({ runtime, pressure, old, now }: Pick<NodeStatusInput, 'runtime' | 'pressure' | 'old' | 'now'>): NodeCondition[] {
  const problems = [
    ...(runtime.ready ? [] : ['container runtime is down']),
    ...(runtime.networkReady ? [] : [`container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${runtime.message}`]),
  ]
  const time = rfc3339(now)
  const condition = (type: string, status: boolean, reason: string, message: string): NodeCondition => {
    const text = status ? 'True' : 'False'
    const before = old?.conditions?.find((c) => c.type === type)
    const lastTransitionTime = before?.status === text ? (before.lastTransitionTime ?? time) : time
    return { type, status: text, lastHeartbeatTime: time, lastTransitionTime, reason, message }
  }
  const others = (old?.conditions ?? []).filter(({ type }) => type !== 'Ready' && !pressureTypes.includes(type as PressureCondition))
  return [
    ...others,
    ...pressureTypes.map((type) => {
      const holds = pressure.includes(type)
      const [state, message] = pressureWords[type][holds ? 'yes' : 'no']
      return condition(type, holds, `Kubelet${state}`, `kubelet ${message}`)
    }),
    problems.length === 0 ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', problems.join(', ')),
  ]
}
