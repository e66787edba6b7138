// The Node object: labels and taints at registration, and its status. Pure.
import { rfc3339 } from '../../base/clock.ts'
import type { ContainerImage, Node, NodeCondition, NodeStatus, Taint } from '../../api/generated/types.ts'
import type { Image, RuntimeInfo } from '../../runtime/container-runtime.ts'
import { machineArchitecture, type Machine } from './machine.ts'

export interface NodeIdentity {
  name: string
  /** First one is the node's InternalIP. */
  ips(): readonly string[]
  hostname: string
  labels: Record<string, string>
  taints: readonly Taint[]
  maxPods: number
  /** Port of the agent's HTTPS endpoints. */
  port: number
  /** As in `v1.36.3+mk8s1`. */
  version: string
}

export interface NodePressure {
  memory: boolean
  disk: boolean
  pids: boolean
}

interface NodeStatusInput {
  identity: NodeIdentity
  machine: Machine
  runtime: RuntimeInfo
  images: readonly Image[]
  pressure: NodePressure
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
  const own = resources(machine, identity.maxPods)
  const reserved = resources({ ...machine, diskBytes: Math.floor(machine.diskBytes * 0.95) }, identity.maxPods)
  reserved['ephemeral-storage'] = String(Math.floor(machine.diskBytes * 0.95))
  return {
    addresses: [...identity.ips().map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: identity.hostname }],
    allocatable: { ...old?.allocatable, ...reserved },
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

function imageList(images: readonly Image[]): ContainerImage[] {
  const bySize = [...images].sort((a, b) => b.sizeBytes - a.sizeBytes)
  return bySize.slice(0, imagesShown).map(({ repoDigests, repoTags, sizeBytes }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes }))
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
  const others = (old?.conditions ?? []).filter(({ type }) => !['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].includes(type))
  return [
    ...others,
    pressure.memory ? condition('MemoryPressure', true, 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available')
      : condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    pressure.disk ? condition('DiskPressure', true, 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pressure.pids ? condition('PIDPressure', true, 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available')
      : condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length === 0 ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', problems.join(', ')),
  ]
}
