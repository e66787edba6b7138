// What one pod uses of what may run short.
export interface ContainerUsage {
  name: string
  memoryBytes: number
  /** Its writable layer, and its logs. */
  root: DiskUsage
  logs: DiskUsage
}

export interface DiskUsage {
  bytes: number
  inodes: number
}

export interface PodUsage {
  containers: readonly ContainerUsage[]
  /** Disk of its emptyDir volumes, by name. */
  volumes: ReadonlyMap<string, DiskUsage>
  processes: number
}

export const memoryOf = ({ containers }: PodUsage): number => containers.reduce((sum, c) => sum + c.memoryBytes, 0)

/** Which parts count: on a machine whose images have a disk of their own, writable layers are on that one and the rest is not. */
export interface DiskParts {
  root: boolean
  local: boolean
}

export function diskOf({ containers, volumes }: PodUsage, { root, local }: DiskParts): DiskUsage {
  const parts = [...(root ? containers.map((c) => c.root) : []), ...(local ? [...containers.map((c) => c.logs), ...volumes.values()] : [])]
  return parts.reduce((sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }), { bytes: 0, inodes: 0 })
}
