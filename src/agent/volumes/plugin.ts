// A kind of volume: how it is opened for a pod, and what it needs for that.
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Volume } from '../../api/generated/types.ts'
import type { Client } from '../../client/client.ts'
import type { Images } from '../image/images.ts'
import type { AgentPod } from '../pod/types.ts'
import type { WatchedObjects } from '../references/watched-objects.ts'
import type { ResourceList } from '../../api/pod-amounts.ts'
import type { Mounter } from './mounter.ts'

export interface VolumeServices {
  client: Client
  watched: WatchedObjects
  images: Images
  mounter: Mounter
  clock: Clock
  log: Logger
  hostIps(): readonly string[]
  imageVolumes: boolean
  /** Below it lie the volumes of each pod. */
  root: string
  /** The same, in memory. */
  memoryRoot: string
  allocatable(): ResourceList
  /** IPs of the pod, as far as it has them. */
  podIps(uid: string): readonly string[]
}

export interface OpenVolume {
  path: string
  readOnly: boolean
  image?: string
  /** The pod has changed. */
  update?(pod: AgentPod): void
  /** Ends what keeps it current. */
  close?(): void
}

export interface OpenRequest {
  pod: AgentPod
  volume: Volume
  services: VolumeServices
  /** Something that was missing may be there now. */
  retry(): void
}

/** Rejects with VolumeError. Opening what is open already, also after a restart, changes nothing. */
export type OpenVolumeOf = (request: OpenRequest) => Promise<OpenVolume>
