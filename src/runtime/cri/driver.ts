// The `cri` driver: CRI v1 over gRPC, as containerd (1.6 and later) and CRI-O speak it.
import { RuntimeError, type ContainerRuntime, type ContainerSpec, type ImageMounts } from '../container-runtime.ts'
import { callTimeout, openConnection, pullTimeout, sandboxTimeout, unlessGone } from './connection.ts'
import { decodeContainer, decodeContainerStatus, decodeImage, decodeSandbox, decodeSandboxStatus, decodeStats, processOf } from './decode.ts'
import { encodeContainer, encodeResources, encodeSandbox } from './encode.ts'
import { createCriEvents } from './events.ts'
import { createIdIndex } from './id-index.ts'
import { readInfo } from './info.ts'
import { methods } from './methods.ts'
import { createUnderWay } from './under-way.ts'
import { openAttach, openExec, openPortForward } from './streams.ts'

interface CriRuntimeOptions {
  /** A path, `unix:///path` or an http URL. */
  endpoint: string
  /** For image volumes where the runtime has none of its own; without it they are reported as not there. */
  imageMounts?: ImageMounts
}

export function openCriRuntime({ endpoint, imageMounts }: CriRuntimeOptions): ContainerRuntime {
  const connection = openConnection(endpoint)
  const { call } = connection
  const index = createIdIndex(connection)
  const underWay = createUnderWay()
  const events = createCriEvents(connection, underWay)
  /** They cannot run again. */
  const stopped = new Set<string>()
  let mountsImages: boolean | undefined

  /** With a directory in place of each image that the runtime would not mount. */
  async function withImages(sandboxId: string, spec: ContainerSpec): Promise<ContainerSpec> {
    if (!imageMounts || !spec.mounts.some(({ image }) => image)) return spec
    mountsImages ??= (await readInfo(connection)).features.imageVolumes
    if (mountsImages) return spec
    const mounts = spec.mounts.map(async ({ image, ...mount }) => (image ? { ...mount, hostPath: await imageMounts.mount(sandboxId, image, mount.hostPath), readonly: true } : mount))
    return { ...spec, mounts: await Promise.all(mounts) }
  }

  async function stopSandbox(id: string): Promise<void> {
    await unlessGone(underWay.change('stop-sandbox', id, call(methods.stopSandbox, { id }, sandboxTimeout)), undefined)
    stopped.add(id)
  }

  return {
    async info() {
      const info = await readInfo(connection)
      mountsImages = info.features.imageVolumes
      return imageMounts ? { ...info, features: { ...info.features, imageVolumes: true } } : info
    },

    async runSandbox(spec) {
      const made = call(methods.runSandbox, { config: encodeSandbox(spec), runtimeHandler: spec.runtimeHandler }, sandboxTimeout)
      return underWay.newSandbox(made.then(({ id }) => id))
    },
    stopSandbox,
    async removeSandbox(id) {
      // The protocol leaves open whether a running sandbox may be removed. To stop one again runs all CNI plug-ins again.
      if (!stopped.has(id)) await stopSandbox(id)
      await unlessGone(call(methods.removeSandbox, { id }, sandboxTimeout), undefined)
      stopped.delete(id)
      await imageMounts?.release(id)
    },
    async listSandboxes() {
      return (await call(methods.listSandboxes, {})).items.map(decodeSandbox)
    },
    async sandboxStatus(id) {
      const { status } = await call(methods.sandboxStatus, { id })
      if (!status) throw new RuntimeError('NotFound', `sandbox ${id} not found`)
      return decodeSandboxStatus(status)
    },
    async sandboxProcess(id) {
      return processOf((await call(methods.sandboxStatus, { id, verbose: true })).info)
    },

    async createContainer(sandboxId, spec, sandbox) {
      const { id } = await call(methods.createContainer, { sandboxId, config: encodeContainer(await withImages(sandboxId, spec), sandbox), sandboxConfig: encodeSandbox(sandbox) })
      index.noteContainer(id, sandboxId)
      return id
    },
    async startContainer(id) {
      await underWay.change('start-container', id, call(methods.startContainer, { id }))
    },
    async stopContainer(id, graceSeconds) {
      const ended = call(methods.stopContainer, { id, timeout: graceSeconds }, graceSeconds * 1000 + callTimeout)
      await unlessGone(underWay.change('stop-container', id, ended), undefined)
    },
    async removeContainer(id) {
      await unlessGone(call(methods.removeContainer, { id }), undefined)
      index.forgetContainer(id)
    },
    async listContainers() {
      return (await call(methods.listContainers, {})).containers.map(decodeContainer)
    },
    async containerStatus(id) {
      const { status } = await call(methods.containerStatus, { id })
      if (!status) throw new RuntimeError('NotFound', `container ${id} not found`)
      const [sandboxId, imageId] = await Promise.all([index.sandboxOf(id), status.imageId || index.imageOf(status.imageRef)])
      return decodeContainerStatus(status, sandboxId, imageId)
    },
    async updateResources(id, resources) {
      await call(methods.updateResources, { id, linux: encodeResources(resources) })
    },
    async reopenLog(id) {
      await call(methods.reopenLog, { id })
    },

    async execSync(id, command, timeoutSeconds) {
      return call(methods.execSync, { id, command, timeout: timeoutSeconds }, timeoutSeconds > 0 ? timeoutSeconds * 1000 + callTimeout : pullTimeout)
    },
    exec: (id, command, options) => openExec(connection, id, command, options),
    attach: (id, options) => openAttach(connection, id, options),
    portForward: (sandboxId, port) => openPortForward(connection, sandboxId, port),

    async containerStats() {
      const { stats } = await call(methods.listStats, {})
      return Promise.all(stats.map(async (entry) => decodeStats(entry, await index.sandboxOf(entry.attributes?.id ?? ''))))
    },

    async listImages() {
      const [{ images }, pauseImage, labelled] = await Promise.all([call(methods.listImages, {}), index.pauseImage(), index.pinnedImages()])
      return images.map(decodeImage).map((image) => ({ ...image, pinned: image.pinned || image.repoTags.some((name) => name === pauseImage || labelled.has(name)) }))
    },
    async imageStatus(reference) {
      const { image } = await call(methods.imageStatus, { image: { image: reference } })
      return image ? decodeImage(image) : undefined
    },
    async pullImage(reference, auth) {
      return (await call(methods.pullImage, { image: { image: reference }, auth }, pullTimeout)).id
    },
    async removeImage(reference) {
      await unlessGone(call(methods.removeImage, { image: { image: reference } }), undefined)
    },
    async imageFilesystem() {
      const [first] = (await call(methods.imageFsInfo, {})).imageFilesystems
      return { mountpoint: first?.filesystem?.mountpoint ?? '', usedBytes: first?.usedBytes?.value ?? 0, inodesUsed: first?.inodesUsed?.value ?? 0 }
    },

    events: events.subscribe,
    async close() {
      connection.grpc.close()
    },
  }
}
