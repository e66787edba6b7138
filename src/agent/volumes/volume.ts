// The seam between pods and what is mounted into them.
import type { AgentPod } from '../pod/types.ts'

export interface MountedVolume {
  name: string
  /** On this machine; empty for an image volume. */
  path: string
  readOnly: boolean
  /** Reference of a local image whose content is mounted in place of `path`. */
  image?: string
}

export type PodVolumes = ReadonlyMap<string, MountedVolume>

/** A volume cannot be mounted now; the message goes into an event. */
export class VolumeError extends Error {
  override name = 'VolumeError'
}

export interface Volumes {
  /** Makes all volumes of the pod ready, or those that are missing; idempotent. Rejects with `VolumeError`. */
  prepare(pod: AgentPod): Promise<PodVolumes>
  /** Undefined until `prepare` has succeeded. */
  of(podUid: string): PodVolumes | undefined
  /** The pod has changed: what shows its labels and annotations is written anew. */
  update(pod: AgentPod): void
  /** Unmounts and removes; resolves when nothing is left. */
  release(podUid: string): Promise<void>
  /** Uids of pods of which something is on disk. */
  onDisk(): Promise<string[]>
  stop(): void
}
