// What the parts of the driver share.
import { join } from 'node:path'
import type { HostFacts } from '../containerd/host.ts'
import type { Containerd } from './containerd.ts'
import type { Images, KnownImage } from './images.ts'
import type { installLogger } from './logger.ts'
import type { Profiles } from './oci/profiles.ts'
import type { ContainerRecord, RecordSet, SandboxRecord } from './records.ts'

export interface CtrContext {
  containerd: Containerd
  images: Images
  profiles: Profiles
  logger: ReturnType<typeof installLogger>
  host: HostFacts
  sandboxes: RecordSet<SandboxRecord>
  containers: RecordSet<ContainerRecord>
  /** Below /run: mounts, pipes, sockets; one directory an id. */
  runDirectory: string
  /** On the disk: what containers keep outside of their layers, one directory an id. */
  volumeDirectory: string
  cniConfigDirectory: string
  cniBinDirectory: string
  snapshotter(): Promise<string>
  /** The pause image and where it is mounted. One root serves all sandboxes: they cannot write to it. */
  pause(): Promise<{ image: KnownImage; root: string }>
  /** Changes of one object happen one after the other. */
  exclusively<T>(id: string, work: () => Promise<T>): Promise<T>
}

export const directoryOf = ({ runDirectory }: CtrContext, id: string): string => join(runDirectory, id)
export const rootOf = (context: CtrContext, id: string): string => join(directoryOf(context, id), 'rootfs')
export const volumesOf = ({ volumeDirectory }: CtrContext, id: string): string => join(volumeDirectory, id)
export const networkNamespaceOf = (context: CtrContext, id: string): string => join(directoryOf(context, id), 'netns')
export const cgroupOf = (parent: string, id: string): string => join('/', parent || 'k8s.io', id)

export function createLocks(): CtrContext['exclusively'] {
  const last = new Map<string, Promise<unknown>>()
  return (id, work) => {
    const next = (last.get(id) ?? Promise.resolve()).then(work, work)
    last.set(id, next)
    const done = () => last.get(id) === next && last.delete(id)
    next.then(done, done)
    return next
  }
}
