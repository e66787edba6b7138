// The messages of CRI v1 that mk8s uses, by field number (source: k8s.io/cri-api/pkg/apis/runtime/v1/api.proto).
import { bool, bytes, enumeration, integer, list, map, message, nanoseconds, one, string, sub } from '../../base/grpc/protobuf.ts'

export const empty = message({})
const int64Value = message({ value: one(1, integer) })
const uint64Value = int64Value
const namespaceMode = enumeration('pod', 'container', 'node', 'target')
const securityProfile = message({ type: one(1, enumeration('RuntimeDefault', 'Unconfined', 'Localhost')), localhost: one(2, string) })
const selinuxOption = message({ user: one(1, string), role: one(2, string), type: one(3, string), level: one(4, string) })
const namespaceOption = message({ network: one(1, namespaceMode), pid: one(2, namespaceMode), ipc: one(3, namespaceMode), targetId: one(4, string) })
const imageSpec = message({ image: one(1, string), annotations: map(2), userSpecifiedImage: one(18, string), runtimeHandler: one(19, string), imageRef: one(20, string) })

export const linuxResources = message({
  cpuPeriod: one(1, integer), cpuQuota: one(2, integer), cpuShares: one(3, integer), memoryLimitBytes: one(4, integer), oomScoreAdj: one(5, integer),
  cpusetCpus: one(6, string), cpusetMems: one(7, string), unified: map(9),
})

const sandboxMetadata = message({ name: one(1, string), uid: one(2, string), namespace: one(3, string), attempt: one(4, integer) })

export const sandboxConfig = message({
  metadata: sub(1, sandboxMetadata),
  hostname: one(2, string),
  logDirectory: one(3, string),
  dns: sub(4, message({ servers: list(1, string), searches: list(2, string), options: list(3, string) })),
  portMappings: list(5, message({ protocol: one(1, enumeration('TCP', 'UDP', 'SCTP')), containerPort: one(2, integer), hostPort: one(3, integer), hostIP: one(4, string) })),
  labels: map(6),
  annotations: map(7),
  linux: sub(8, message({
    cgroupParent: one(1, string),
    security: sub(2, message({
      namespaces: sub(1, namespaceOption), selinux: sub(2, selinuxOption), runAsUser: sub(3, int64Value), readonlyRootfs: one(4, bool), supplementalGroups: list(5, integer),
      privileged: one(6, bool), runAsGroup: sub(8, int64Value), seccomp: sub(9, securityProfile), apparmor: sub(10, securityProfile),
    })),
    sysctls: map(3),
  })),
})

const mount = message({
  containerPath: one(1, string), hostPath: one(2, string), readonly: one(3, bool), propagation: one(5, enumeration('private', 'host-to-container', 'bidirectional')), image: sub(9, imageSpec),
  imageSubPath: one(10, string),
})

/** By number, from 0; containerd before 2.0 ignores the field. */
const signal = enumeration(
  'RUNTIME_DEFAULT', 'SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO', 'SIGIOT', 'SIGKILL', 'SIGPIPE', 'SIGPOLL',
  'SIGPROF', 'SIGPWR', 'SIGQUIT', 'SIGSEGV', 'SIGSTKFLT', 'SIGSTOP', 'SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM',
  'SIGWINCH', 'SIGXCPU', 'SIGXFSZ', 'SIGRTMIN', ...Array.from({ length: 15 }, (_, i) => `SIGRTMINPLUS${i + 1}`), ...Array.from({ length: 14 }, (_, i) => `SIGRTMAXMINUS${14 - i}`), 'SIGRTMAX',
)

const containerMetadata = message({ name: one(1, string), attempt: one(2, integer) })

export const containerConfig = message({
  metadata: sub(1, containerMetadata),
  image: sub(2, imageSpec),
  command: list(3, string),
  args: list(4, string),
  workingDir: one(5, string),
  envs: list(6, message({ key: one(1, string), value: one(2, string) })),
  mounts: list(7, mount),
  devices: list(8, message({ containerPath: one(1, string), hostPath: one(2, string), permissions: one(3, string) })),
  labels: map(9),
  annotations: map(10),
  logPath: one(11, string),
  stdin: one(12, bool),
  stdinOnce: one(13, bool),
  tty: one(14, bool),
  linux: sub(15, message({
    resources: sub(1, linuxResources),
    security: sub(2, message({
      capabilities: sub(1, message({ add: list(1, string), drop: list(2, string) })), privileged: one(2, bool), namespaces: sub(3, namespaceOption), selinux: sub(4, selinuxOption),
      runAsUser: sub(5, int64Value), readonlyRootfs: one(7, bool), supplementalGroups: list(8, integer), noNewPrivileges: one(11, bool), runAsGroup: sub(12, int64Value),
      maskedPaths: list(13, string), readonlyPaths: list(14, string), seccomp: sub(15, securityProfile), apparmor: sub(16, securityProfile),
    })),
  })),
  stopSignal: one(18, signal),
})

const sandboxState = enumeration('ready', 'not-ready')
const sandbox = message({
  id: one(1, string), metadata: sub(2, sandboxMetadata), state: one(3, sandboxState), createdAt: one(4, nanoseconds), labels: map(5), annotations: map(6),
})
export const sandboxStatus = message({
  id: one(1, string), metadata: sub(2, sandboxMetadata), state: one(3, sandboxState), createdAt: one(4, nanoseconds),
  network: sub(5, message({ ip: one(1, string), additional: list(2, message({ ip: one(1, string) })) })), labels: map(7), annotations: map(8),
})

const containerState = enumeration('created', 'running', 'exited', 'unknown')
const container = message({
  id: one(1, string), sandboxId: one(2, string), metadata: sub(3, containerMetadata), image: sub(4, imageSpec), imageRef: one(5, string), state: one(6, containerState),
  createdAt: one(7, nanoseconds), labels: map(8), annotations: map(9), imageId: one(10, string),
})
const containerStatus = message({
  id: one(1, string), metadata: sub(2, containerMetadata), state: one(3, containerState), createdAt: one(4, nanoseconds), startedAt: one(5, nanoseconds), finishedAt: one(6, nanoseconds),
  exitCode: one(7, integer), image: sub(8, imageSpec), imageRef: one(9, string), reason: one(10, string), message: one(11, string), labels: map(12), annotations: map(13),
  mounts: list(14, mount), logPath: one(15, string), resources: sub(16, message({ linux: sub(1, linuxResources) })), imageId: one(17, string),
  user: sub(18, message({ linux: sub(1, message({ uid: one(1, integer), gid: one(2, integer), supplementalGroups: list(3, integer) })) })),
})

const filesystemUsage = message({
  timestamp: one(1, nanoseconds), filesystem: sub(2, message({ mountpoint: one(1, string) })), usedBytes: sub(3, uint64Value), inodesUsed: sub(4, uint64Value),
})
const containerStats = message({
  attributes: sub(1, message({ id: one(1, string), metadata: sub(2, containerMetadata), labels: map(3), annotations: map(4) })),
  cpu: sub(2, message({ timestamp: one(1, nanoseconds), usage: sub(2, uint64Value) })),
  memory: sub(3, message({ timestamp: one(1, nanoseconds), workingSet: sub(2, uint64Value), usage: sub(4, uint64Value) })),
  writableLayer: sub(4, filesystemUsage),
})

export const image = message({
  id: one(1, string), repoTags: list(2, string), repoDigests: list(3, string), size: one(4, integer), uid: sub(5, int64Value), username: one(6, string), pinned: one(8, bool),
})

export const versionResponse = message({ version: one(1, string), runtimeName: one(2, string), runtimeVersion: one(3, string), runtimeApiVersion: one(4, string) })
export const statusRequest = message({ verbose: one(1, bool) })
export const statusResponse = message({
  status: sub(1, message({ conditions: list(1, message({ type: one(1, string), status: one(2, bool), reason: one(3, string), message: one(4, string) })) })),
  info: map(2),
})
export const runtimeConfigResponse = message({ linux: sub(1, message({ cgroupDriver: one(1, enumeration('systemd', 'cgroupfs')) })) })
export const runSandboxRequest = message({ config: sub(1, sandboxConfig), runtimeHandler: one(2, string) })
/** Also of every other request and answer that is nothing but an id in field 1. */
export const idMessage = message({ id: one(1, string) })
export const verboseRequest = message({ id: one(1, string), verbose: one(2, bool) })
export const sandboxStatusResponse = message({ status: sub(1, sandboxStatus), info: map(2) })
export const listSandboxesResponse = message({ items: list(1, sandbox) })
export const createContainerRequest = message({ sandboxId: one(1, string), config: sub(2, containerConfig), sandboxConfig: sub(3, sandboxConfig) })
export const stopContainerRequest = message({ id: one(1, string), timeout: one(2, integer) })
export const listContainersResponse = message({ containers: list(1, container) })
export const containerStatusResponse = message({ status: sub(1, containerStatus), info: map(2) })
export const updateResourcesRequest = message({ id: one(1, string), linux: sub(2, linuxResources) })
export const execSyncRequest = message({ id: one(1, string), command: list(2, string), timeout: one(3, integer) })
export const execSyncResponse = message({ stdout: one(1, bytes), stderr: one(2, bytes), exitCode: one(3, integer) })
export const execRequest = message({ id: one(1, string), command: list(2, string), tty: one(3, bool), stdin: one(4, bool), stdout: one(5, bool), stderr: one(6, bool) })
export const attachRequest = message({ id: one(1, string), stdin: one(2, bool), tty: one(3, bool), stdout: one(4, bool), stderr: one(5, bool) })
export const portForwardRequest = message({ id: one(1, string), ports: list(2, integer) })
export const urlResponse = message({ url: one(1, string) })
export const listStatsResponse = message({ stats: list(1, containerStats) })
export const listImagesResponse = message({ images: list(1, image) })
export const imageRequest = message({ image: sub(1, imageSpec) })
export const imageStatusResponse = message({ image: sub(1, image) })
export const pullImageRequest = message({
  image: sub(1, imageSpec),
  auth: sub(2, message({ username: one(1, string), password: one(2, string), auth: one(3, string), serverAddress: one(4, string), identityToken: one(5, string), registryToken: one(6, string) })),
})
export const imageFsInfoResponse = message({ imageFilesystems: list(1, filesystemUsage), containerFilesystems: list(2, filesystemUsage) })
export const containerEvent = message({
  containerId: one(1, string), type: one(2, enumeration('container-created', 'container-started', 'container-stopped', 'container-deleted')), createdAt: one(3, nanoseconds),
  sandbox: sub(4, sandboxStatus),
})
