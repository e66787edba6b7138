// The container runtime of the node, as the options choose it.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText } from '../base/read-file.ts'
import type { Logger } from '../base/logger.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { findPrograms } from '../runtime/containerd/host.ts'
import { createImageMounts } from '../runtime/containerd/image-mounts.ts'
import { removingRemains } from '../runtime/containerd/leftovers.ts'
import type { ContainerdPaths } from '../runtime/containerd/paths.ts'
import { credentialsOf, readRegistries, writeRegistries } from '../runtime/containerd/registries.ts'
import { withoutTornResults } from '../runtime/containerd/torn-results.ts'
import { settlingPulls } from '../runtime/containerd/unpacking.ts'
import { openCriRuntime } from '../runtime/cri/driver.ts'

type RuntimeConfig = Pick<ServerConfig, 'runtimeDriver' | 'containerRuntimeEndpoint' | 'pauseImage' | 'snapshotter' | 'privateRegistry'>

export async function openNodeRuntime(config: RuntimeConfig, paths: ContainerdPaths, log: Logger): Promise<ContainerRuntime> {
  const { socket, imageMounts: directory } = paths
  if (config.runtimeDriver === 'ctr') {
    const runtime = await openCtr(config, paths)
    return config.containerRuntimeEndpoint ? runtime : settlingPulls(runtime, paths, log)
  }
  refuseOtherDriver(paths)
  rmSync(socketFile(paths), { force: true })
  if (config.containerRuntimeEndpoint) return withoutTornResults(openCriRuntime({ endpoint: config.containerRuntimeEndpoint }))
  const runtime = withoutTornResults(openCriRuntime({ endpoint: socket, imageMounts: createImageMounts({ socket, directory }) }))
  return settlingPulls(removingRemains(runtime, { paths, programs: findPrograms() }), paths, log)
}

async function openCtr({ containerRuntimeEndpoint, pauseImage, snapshotter, privateRegistry }: RuntimeConfig, paths: ContainerdPaths) {
  const socket = containerRuntimeEndpoint?.replace(/^unix:(?:\/\/)?/, '') ?? paths.socket
  const registries = await readRegistries(privateRegistry)
  if (containerRuntimeEndpoint) writeRegistries(paths.registries, registries)
  mkdirSync(paths.ctrState, { recursive: true, mode: 0o700 })
  writeFileSync(socketFile(paths), socket)
  const known = credentialsOf(registries)
  const { openCtrRuntime } = await import('../runtime/ctr/driver.ts')
  return openCtrRuntime({
    socket, stateDirectory: paths.ctrState, runDirectory: paths.ctrRun, cniConfigDirectory: paths.cniConfig, registriesDirectory: paths.registries, pauseImage, snapshotter, cgroup: paths.cgroup,
    credentials: (registry) => known.find(({ host }) => host === registry), imageMounts: createImageMounts({ socket, directory: paths.imageMounts }),
  })
}

/** Which containerd the `ctr` driver used last: that of another program has to be told at the end. */
const socketFile = ({ ctrState }: ContainerdPaths) => join(ctrState, 'socket')

/** The containerd of the node for `mk8s images`. */
export function containerdInUse(paths: ContainerdPaths): ContainerdPaths {
  const socket = readText(socketFile(paths))
  return socket && socket !== paths.socket ? { ...paths, socket, root: dirname(paths.ctrState) } : paths
}

/** Ends the pods of the `ctr` driver on a containerd that is not ours. @returns how many. */
export async function endForeignPods(paths: ContainerdPaths): Promise<number> {
  const socket = readText(socketFile(paths))
  if (!socket || socket === paths.socket || !existsSync(socket)) return 0
  const runtime = await openCtr({ runtimeDriver: 'ctr', containerRuntimeEndpoint: socket, pauseImage: '', snapshotter: 'overlayfs', privateRegistry: '/dev/null' }, paths)
  try {
    return await runtime.leave()
  } finally {
    await runtime.close()
  }
}

/** Two drivers would each run the pods of the node. A directory below /run is one that runs, or was not cleaned up. */
function refuseOtherDriver({ ctrRun }: ContainerdPaths): void {
  if (!existsSync(ctrRun) || !readdirSync(ctrRun).some((name) => /^[0-9a-f]{64}$/.test(name))) return
  throw new Error('pods of --runtime-driver ctr are still on this node: end them with "mk8s killall" before changing the driver')
}
