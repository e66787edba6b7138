// What the start of a server depends on, as observed at one moment.
import type { PortUse } from './listeners.ts'

export interface Surroundings {
  /** This machine is to run pods. */
  isNode: boolean
  /** mk8s starts a containerd of its own. */
  ownContainerd: boolean
  /** As in `Raspberry Pi 4 Model B Rev 1.5`; empty where the machine does not say. */
  board: string
  /** Absolute paths by name. */
  programs: Readonly<Record<string, string | undefined>>
  /** What `containerd --version` printed, or why it did not. */
  containerd: { printed?: string; failure?: string }
  /** Undefined where another program's containerd brings its own. */
  cni?: { directory?: string; missing: readonly string[] }
  /** Undefined where the network has been set up before since the machine started: then the kernel can do it. */
  trial?: Trial
  cgroups: { version: 1 | 2; mounted: boolean; controllers: readonly string[] }
  directories: readonly Directory[]
  hasDatabase: boolean
  /** Ports that mk8s needs and others have. */
  ports: readonly PortUse[]
  memoryBytes: number
  /** Milliseconds since 1970. */
  clock: { now: number; built: number; newestFile?: number }
  registries: { failure?: string }
}

/** What the kernel said to a bridge, a pair of links and our rules in a network namespace of their own. */
export interface Trial {
  failure?: { step: 'bridge' | 'pair of links' | 'rules'; message: string; missingModules: readonly string[] }
}

/** Where mk8s will write. */
export interface Directory {
  use: 'data' | 'run' | 'kubeconfig' | 'pods' | 'logs'
  path: string
  /** The nearest thing on the way to it that exists. */
  nearest: string
  isDirectory: boolean
  readOnly: boolean
  noExecution: boolean
  /** As in `ext4`. */
  fileSystem: string
  freeBytes: number
  totalBytes: number
  /** Undefined where the file system has no fixed number. */
  freeInodes?: number
}
