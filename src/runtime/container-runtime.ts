// The seam to whatever runs containers: the verbs of the Container Runtime Interface (source: k8s.io/cri-api runtime/v1), and nothing of containerd.
import type { Duplex } from 'node:stream'

export interface SandboxSpec {
  name: string
  namespace: string
  uid: string
  attempt: number
  hostname: string
  /** Absolute; container logs are below it. */
  logDirectory: string
  labels: Record<string, string>
  annotations: Record<string, string>
  dns?: { servers: string[]; searches: string[]; options: string[] }
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIP: string }[]
  cgroupParent: string
  sysctls: Record<string, string>
  namespaces: { network: 'pod' | 'node'; pid: 'pod' | 'container' | 'node'; ipc: 'pod' | 'node' }
  security: SecuritySpec
  runtimeHandler: string
}

export interface SecuritySpec {
  privileged?: boolean
  runAsUser?: number
  runAsGroup?: number
  supplementalGroups?: number[]
  readonlyRootfs?: boolean
  noNewPrivileges?: boolean
  capabilities?: { add: string[]; drop: string[] }
  seccomp?: { type: 'RuntimeDefault' | 'Unconfined' | 'Localhost'; localhost?: string }
  apparmor?: { type: 'RuntimeDefault' | 'Unconfined' | 'Localhost'; localhost?: string }
  selinux?: { user?: string; role?: string; type?: string; level?: string }
  maskedPaths?: string[]
  readonlyPaths?: string[]
}

export interface LinuxResources {
  cpuPeriod?: number
  cpuQuota?: number
  cpuShares?: number
  memoryLimitBytes?: number
  oomScoreAdj?: number
  cpusetCpus?: string
  cpusetMems?: string
  unified?: Record<string, string>
}

export interface MountSpec {
  containerPath: string
  hostPath: string
  readonly: boolean
  propagation: 'private' | 'host-to-container' | 'bidirectional'
  /** Mounts a local image's content; `hostPath` is then a path in the image, empty for its root. */
  image?: string
}

export interface ContainerSpec {
  name: string
  attempt: number
  /** Image id or reference as pulled. */
  image: string
  command: string[]
  args: string[]
  workingDir: string
  env: { key: string; value: string }[]
  mounts: MountSpec[]
  devices: { hostPath: string; containerPath: string; permissions: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  /** Relative to the sandbox's log directory. */
  logPath: string
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  resources: LinuxResources
  security: SecuritySpec
  stopSignal?: string
  /** Shares the process namespace of this container of the same sandbox (ephemeral containers). */
  targetContainerId?: string
}

export interface Sandbox {
  id: string
  ready: boolean
  name: string
  namespace: string
  uid: string
  attempt: number
  /** Milliseconds since 1970. */
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface SandboxStatus extends Sandbox {
  /** First one is the pod's IP; empty with host network. */
  ips: string[]
}

type ContainerState = 'created' | 'running' | 'exited' | 'unknown'

export interface Container {
  id: string
  sandboxId: string
  name: string
  attempt: number
  image: string
  /** What `image` resolved to: the image's id. */
  imageId: string
  /** The image as a pod's status names it in `imageID`: its first repository digest where it has one, else its id. */
  imageRef: string
  state: ContainerState
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerStatus extends Container {
  /** Milliseconds since 1970; 0 when it has not happened. */
  startedAt: number
  finishedAt: number
  exitCode: number
  /** `Completed`, `Error`, `OOMKilled`. */
  reason: string
  message: string
  logPath: string
  mounts: MountSpec[]
  resources?: LinuxResources
  user?: { uid: number; gid: number; supplementalGroups: number[] }
}

export interface Image {
  id: string
  repoTags: string[]
  repoDigests: string[]
  sizeBytes: number
  /** Of the image's configuration, when numeric. */
  uid?: number
  username: string
  pinned: boolean
}

export interface RegistryAuth {
  username?: string
  password?: string
  auth?: string
  identityToken?: string
  registryToken?: string
  serverAddress?: string
}

export interface ContainerStats {
  containerId: string
  name: string
  sandboxId: string
  timestamp: number
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
  memoryUsageBytes: number
  writableLayerBytes: number
  writableLayerInodes: number
}

export interface ExecResult {
  exitCode: number
  stdout: Buffer
  stderr: Buffer
}

/** Streams of an interactive exec or attach. Ends when `exit` resolves. */
export interface InteractiveStreams {
  stdin?: NodeJS.WritableStream
  stdout?: NodeJS.ReadableStream
  stderr?: NodeJS.ReadableStream
  resize(size: { width: number; height: number }): void
  /** The exit code; for attach, 0 when the stream ended. Rejects when the command could not be run. */
  readonly exit: Promise<number>
  close(): void
}

export interface StreamOptions {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export interface RuntimeEvent {
  type: 'container-created' | 'container-started' | 'container-stopped' | 'container-deleted' | 'sandbox-stopped' | 'image-changed'
  /** Container or sandbox id. */
  id: string
}

export interface RuntimeInfo {
  name: string
  version: string
  apiVersion: string
  cgroupDriver: 'cgroupfs' | 'systemd'
  ready: boolean
  networkReady: boolean
  /** Why not, when one of the two is false. */
  message: string
  features: { imageVolumes: boolean; userNamespaces: boolean; recursiveReadOnlyMounts: boolean }
}

export class RuntimeError extends Error {
  /** As gRPC names it: `NotFound`, `AlreadyExists`, `Unavailable`, `DeadlineExceeded`, `Unknown`, ... */
  readonly code: string
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'RuntimeError'
    this.code = code
  }
}

/** The label of an image that is never collected, as containerd's CRI plug-in reads it from 1.7 on. */
export const pinnedLabel = { key: 'io.cri-containerd.pinned', value: 'pinned' }

/** Every method rejects with `RuntimeError`. `stop*` and `remove*` succeed for what is already gone. */
export interface ContainerRuntime {
  info(): Promise<RuntimeInfo>
  runSandbox(spec: SandboxSpec): Promise<string>
  stopSandbox(id: string): Promise<void>
  removeSandbox(id: string): Promise<void>
  listSandboxes(): Promise<Sandbox[]>
  sandboxStatus(id: string): Promise<SandboxStatus>
  /** Process id of a running sandbox, when known. */
  sandboxProcess(id: string): Promise<number | undefined>
  createContainer(sandboxId: string, spec: ContainerSpec, sandbox: SandboxSpec): Promise<string>
  startContainer(id: string): Promise<void>
  stopContainer(id: string, graceSeconds: number): Promise<void>
  removeContainer(id: string): Promise<void>
  listContainers(): Promise<Container[]>
  containerStatus(id: string): Promise<ContainerStatus>
  updateResources(id: string, resources: LinuxResources): Promise<void>
  reopenLog(id: string): Promise<void>
  /** Runs to completion; the command is killed after `timeoutSeconds` and the call rejects with `DeadlineExceeded`. */
  execSync(id: string, command: string[], timeoutSeconds: number): Promise<ExecResult>
  exec(id: string, command: string[], options: StreamOptions): Promise<InteractiveStreams>
  attach(id: string, options: StreamOptions): Promise<InteractiveStreams>
  /** A connection to a port inside the sandbox's network namespace. */
  portForward(sandboxId: string, port: number): Promise<Duplex>
  containerStats(): Promise<ContainerStats[]>
  listImages(): Promise<Image[]>
  imageStatus(reference: string): Promise<Image | undefined>
  /** @returns the image's id (or digest reference) to give to `createContainer`. */
  pullImage(reference: string, auth?: RegistryAuth): Promise<string>
  removeImage(reference: string): Promise<void>
  /** Where images and containers live, for disk pressure. */
  imageFilesystem(): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number }>
  /** Calls back with each event; `lost` says that events may have been missed and a relist is due. A driver without events returns undefined. */
  events(listener: (event: RuntimeEvent) => void, lost: () => void): { stop(): void } | undefined
  close(): Promise<void>
}

/** Mounts images as volumes for a runtime that cannot. */
export interface ImageMounts {
  /** @returns where `path` of the image's content is, read-only, until the sandbox is released. Links in the image do not lead out of it. */
  mount(sandboxId: string, image: string, path: string): Promise<string>
  release(sandboxId: string): Promise<void>
}
