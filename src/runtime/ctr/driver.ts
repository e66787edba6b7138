// The `ctr` driver: pods on a containerd whose CRI plug-in is off. What CRI does in containerd is done here: sandboxes, CNI, specifications, logs.
// Nothing is known in memory only: records are files, processes are asked for, and what is half done after a crash is cleaned up at the first call.
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { isMounted } from '../../base/mounts.ts'
import { RuntimeError, type ContainerRuntime, type ContainerSpec, type ImageMounts, type RegistryAuth } from '../container-runtime.ts'
import { findPrograms, readHostFacts } from '../containerd/host.ts'
import { readNetworkConfiguration } from '../../cni/plugins.ts'
import { asContainer, containerStatus, createContainer, recordOf, removeContainer, startContainer, stopContainer } from './containers.ts'
import { openContainerd } from './containerd.ts'
import { createLocks, type CtrContext } from './context.ts'
import { createCtrEvents } from './events.ts'
import { createImages } from './images.ts'
import { installLogger } from './logger.ts'
import { createProfiles } from './oci/profiles.ts'
import { ociResources } from './oci/resources.ts'
import { openPort } from './port-forward.ts'
import { openRecords, type ContainerRecord, type SandboxRecord } from './records.ts'
import { recover } from './recover.ts'
import { mountRootfs, removeRootfs } from './rootfs.ts'
import { findTask } from './tasks.ts'
import { asSandbox, removeSandbox, runSandbox, sandboxStatus, stopSandbox } from './sandboxes.ts'
import { services } from './services.ts'
import { chooseSnapshotter } from './snapshotter.ts'
import { containerStats, imageFilesystem } from './stats.ts'
import { openAttach, openExec, execSync } from './streams.ts'

interface CtrRuntimeOptions {
  socket: string
  /** Survives a reboot: records, profiles. */
  stateDirectory: string
  /** Does not. */
  runDirectory: string
  cniConfigDirectory: string
  registriesDirectory: string
  pauseImage: string
  /** Name of the cgroup for what outlives mk8s. */
  cgroup: string
  snapshotter?: string
  cniBinDirectory?: string
  credentials?(registry: string): RegistryAuth | undefined
  imageMounts: ImageMounts
}

const resourcesType = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources'

export function openCtrRuntime(options: CtrRuntimeOptions): ContainerRuntime & { leave(): Promise<number> } {
  const { stateDirectory, runDirectory, cniConfigDirectory, imageMounts } = options
  const programs = findPrograms()
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 })
  const containerd = openContainerd({ socket: options.socket, program: programs.ctr })
  const host = readHostFacts()
  const snapshotter = remembered(() => chooseSnapshotter(containerd, options.snapshotter))
  const images = createImages({ containerd, snapshotter, pauseImage: options.pauseImage, registriesDirectory: options.registriesDirectory, credentials: options.credentials ?? (() => undefined) })
  const pauseRoot = { key: `mk8s-pause${runDirectory.replaceAll('/', '-')}`, target: join(runDirectory, 'pause') }
  const context: CtrContext = {
    containerd, images, host, runDirectory, volumeDirectory: join(stateDirectory, 'volumes'), cniConfigDirectory, snapshotter, cniBinDirectory: options.cniBinDirectory ?? programs.cni, exclusively: createLocks(),
    profiles: createProfiles({ containerd, directory: join(stateDirectory, 'profiles'), hasAppArmor: host.hasAppArmor }),
    logger: installLogger(join(stateDirectory, 'logger.pl'), options.cgroup),
    sandboxes: openRecords<SandboxRecord>(join(stateDirectory, 'sandboxes')), containers: openRecords<ContainerRecord>(join(stateDirectory, 'containers')),
    pause: remembered(async () => {
      const image = await images.ensurePause()
      // After a reboot the snapshot is there and the mount is not.
      if (!isMounted(pauseRoot.target)) {
        await removeRootfs({ containerd, snapshotter: await snapshotter(), ...pauseRoot })
        await mountRootfs({ containerd, images, snapshotter: await snapshotter(), image, ...pauseRoot })
      }
      return { image, root: pauseRoot.target }
    }),
  }
  const begun = remembered(() => recover(context))
  const events = createCtrEvents(context)

  /** With a directory in place of each image. */
  async function withImages(sandboxId: string, spec: ContainerSpec): Promise<ContainerSpec> {
    const mounts = spec.mounts.map(async ({ image, ...mount }) => {
      if (!image) return mount
      // `ctr` knows images by their names, not by their ids.
      const found = await images.find(image)
      if (!found) throw new RuntimeError('NotFound', `failed to resolve image ${JSON.stringify(image)}: not found`)
      return { ...mount, hostPath: await imageMounts.mount(sandboxId, found.names[0]!, mount.hostPath), readonly: true }
    })
    return { ...spec, mounts: await Promise.all(mounts) }
  }

  const containersOf = (sandboxId: string) => context.containers.all().filter((record) => record.sandboxId === sandboxId)

  async function endSandbox(id: string): Promise<void> {
    await begun()
    await Promise.all(containersOf(id).map((record) => stopContainer(context, record.id, 0)))
    await context.exclusively(id, () => stopSandbox(context, id))
  }

  async function removeWhole(id: string): Promise<void> {
    await endSandbox(id)
    await Promise.all(containersOf(id).map((record) => removeContainer(context, record.id)))
    await context.exclusively(id, () => removeSandbox(context, id))
    await imageMounts.release(id)
  }

  return {
    async info() {
      const [{ version }, network] = await Promise.all([containerd.call(services.version, {}), readNetworkConfiguration(cniConfigDirectory), begun()])
      const message = network ? '' : 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'
      const features = { imageVolumes: true, userNamespaces: false, recursiveReadOnlyMounts: false }
      return { name: 'containerd', version, apiVersion: 'v1', cgroupDriver: 'cgroupfs', ready: true, networkReady: network !== undefined, message, features }
    },

    async runSandbox(spec) {
      await begun()
      return runSandbox(context, spec)
    },
    stopSandbox: endSandbox,
    removeSandbox: removeWhole,
    async listSandboxes() {
      await begun()
      const running = await runningTasks()
      return context.sandboxes.all().filter(({ phase }) => phase !== 'creating').map((record) => asSandbox(record, running.get(record.id)?.status === 'running'))
    },
    sandboxStatus: (id) => sandboxStatus(context, id),
    async sandboxProcess(id) {
      const task = await findTask(context, id)
      return task?.status === 'running' ? task.pid : undefined
    },

    async createContainer(sandboxId, spec, sandbox) {
      return createContainer(context, sandboxId, await withImages(sandboxId, spec), sandbox)
    },
    startContainer: (id) => context.exclusively(id, () => startContainer(context, id)),
    stopContainer: (id, graceSeconds) => stopContainer(context, id, graceSeconds),
    removeContainer: (id) => removeContainer(context, id),
    async listContainers() {
      await begun()
      const tasks = await runningTasks()
      return context.containers.all().filter(({ phase }) => phase !== 'creating').map((record) => asContainer(record, tasks.get(record.id)))
    },
    containerStatus: (id) => containerStatus(context, id),
    async updateResources(id, resources) {
      const record = recordOf(context, id)
      if (record.phase === 'running') await containerd.call(services.update, { containerId: id, resources: { typeUrl: resourcesType, value: Buffer.from(JSON.stringify(ociResources(resources, host))) } })
      await context.exclusively(id, async () => context.containers.save({ ...recordOf(context, id), spec: { ...record.spec, resources: { ...record.spec.resources, ...resources } } }))
    },
    async reopenLog(id) {
      const { phase, logPath } = recordOf(context, id)
      if (phase !== 'running') throw new RuntimeError('Unknown', 'container is not running')
      // The logger opens the file that has the name by now before it writes again.
      await context.exclusively(id, async () => closeSync(openSync(logPath, 'a', 0o640)))
    },

    execSync: (id, command, timeoutSeconds) => execSync(context, id, command, timeoutSeconds),
    exec: (id, command, streams) => openExec(context, id, command, streams),
    attach: (id, streams) => openAttach(context, id, streams),
    portForward: (sandboxId, port) => openPort(context, sandboxId, port),

    containerStats: () => containerStats(context),

    listImages: images.list,
    imageStatus: images.status,
    pullImage: images.pull,
    removeImage: images.remove,
    imageFilesystem: () => imageFilesystem(context),

    events: events.subscribe,
    /** Takes all pods off this containerd, and what they shared. @returns how many there were. */
    async leave() {
      await begun()
      const all = context.sandboxes.all()
      for (const { id } of all) await removeWhole(id)
      await removeRootfs({ containerd, snapshotter: await snapshotter(), ...pauseRoot })
      return all.length
    },
    async close() {
      containerd.close()
    },
  }

  async function runningTasks() {
    const { tasks } = await containerd.call(services.tasks, {})
    return new Map(tasks.map((task) => [task.id, task]))
  }
}

/** The first answer for good; a failure is tried again. */
function remembered<T>(work: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= work().catch((error: unknown) => {
      answer = undefined
      throw error
    })
    return answer
  }
}
