// CRI messages as our types.
import type { Decoded } from '../../base/grpc/protobuf.ts'
import type { Container, ContainerStats, ContainerStatus, Image, LinuxResources, Sandbox, SandboxStatus } from '../container-runtime.ts'
import type * as m from './messages.ts'

type ListedSandbox = Decoded<typeof m.listSandboxesResponse>['items'][number]
type ListedContainer = Decoded<typeof m.listContainersResponse>['containers'][number]
type StatusOfContainer = NonNullable<Decoded<typeof m.containerStatusResponse>['status']>
type Stats = Decoded<typeof m.listStatsResponse>['stats'][number]

export const decodeSandbox = ({ id, metadata, state, createdAt, labels, annotations }: Omit<ListedSandbox, 'network'>): Sandbox => ({
  id, ready: state === 'ready', name: metadata?.name ?? '', namespace: metadata?.namespace ?? '', uid: metadata?.uid ?? '', attempt: metadata?.attempt ?? 0, createdAt, labels, annotations,
})

export function decodeSandboxStatus(status: Decoded<typeof m.sandboxStatus>): SandboxStatus {
  const ips = [status.network?.ip ?? '', ...(status.network?.additional ?? []).map(({ ip }) => ip)].filter((ip) => ip !== '')
  return { ...decodeSandbox(status), ips }
}

/** Of a sandbox, as containerd and CRI-O say it beyond the protocol. */
export const processOf = ({ info }: Record<string, string>): number | undefined => (info ? (JSON.parse(info) as { pid?: number }).pid || undefined : undefined)

export const decodeContainer = ({ id, sandboxId, metadata, image, imageRef, imageId, state, createdAt, labels, annotations }: ListedContainer): Container => ({
  id, sandboxId, name: metadata?.name ?? '', attempt: metadata?.attempt ?? 0, image: image?.image ?? '', imageId: imageId || imageRef, imageRef, state, createdAt, labels, annotations,
})

/** The protocol's container status does not name the sandbox: the caller does. */
export function decodeContainerStatus(status: StatusOfContainer, sandboxId: string, imageId: string): ContainerStatus {
  const { id, metadata, image, imageRef, state, createdAt, startedAt, finishedAt, exitCode, reason, message, labels, annotations, logPath } = status
  const user = status.user?.linux
  return {
    id, sandboxId, name: metadata?.name ?? '', attempt: metadata?.attempt ?? 0, image: image?.image ?? '', imageId, imageRef, state, createdAt, startedAt, finishedAt, exitCode, reason,
    message, labels, annotations, logPath, mounts: status.mounts.map(({ image: mounted, imageSubPath, ...mount }) => (mounted ? { ...mount, hostPath: imageSubPath, image: mounted.image } : mount)),
    ...(status.resources?.linux ? { resources: decodeResources(status.resources.linux) } : {}), ...(user ? { user } : {}),
  }
}

const decodeResources = (resources: Decoded<typeof m.linuxResources>): LinuxResources =>
  Object.fromEntries(Object.entries(resources).filter(([, value]) => value !== 0 && value !== '' && !(typeof value === 'object' && Object.keys(value).length === 0)))

export const decodeImage = ({ id, repoTags, repoDigests, size, uid, username, pinned }: Decoded<typeof m.image>): Image => ({
  id, repoTags, repoDigests, sizeBytes: size, ...(uid ? { uid: uid.value } : {}), username, pinned,
})

export function decodeStats({ attributes, cpu, memory, writableLayer }: Stats, sandboxId: string): ContainerStats {
  return {
    containerId: attributes?.id ?? '', name: attributes?.metadata?.name ?? '', sandboxId, timestamp: cpu?.timestamp || memory?.timestamp || 0, cpuNanoseconds: cpu?.usage?.value ?? 0,
    memoryWorkingSetBytes: memory?.workingSet?.value ?? 0, memoryUsageBytes: memory?.usage?.value ?? 0, writableLayerBytes: writableLayer?.usedBytes?.value ?? 0,
    writableLayerInodes: writableLayer?.inodesUsed?.value ?? 0,
  }
}
