// Starts one container: image, configuration, create, start, postStart. What fails becomes a `StartError` that the status can show.
import { randomBytes } from 'node:crypto'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigMap, Secret } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { configmaps, secrets } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import type { SandboxSpec, SandboxStatus } from '../../runtime/container-runtime.ts'
import { ConfigError, environment } from '../container/environment.ts'
import { containerMounts } from '../container/mounts.ts'
import { serviceVariables } from '../container/service-env.ts'
import { containerSpec, prepareLogDirectory } from '../container/spec.ts'
import { ImageError } from '../image/images.ts'
import { runHandler } from '../lifecycle/handlers.ts'
import { containerResources } from '../resources/linux-resources.ts'
import { latest, restartCountOf } from '../runtime/observed.ts'
import { podLogDirectory } from '../sandbox/spec.ts'
import { StartError } from '../start-error.ts'
import { orAborted } from '../values.ts'
import { killContainer } from './kill-container.ts'
import type { PodServices } from './services.ts'
import type { AgentPod, PodContainer } from './types.ts'

interface StartContainer {
  pod: AgentPod
  container: PodContainer
  sandbox: SandboxStatus
  sandboxSpec: SandboxSpec
  signal: AbortSignal
}

const resyncMilliseconds = 10_000

export async function startContainer(services: PodServices, request: StartContainer): Promise<void> {
  const { runtime, view, recorder, clock } = services
  const { pod, container, sandbox, sandboxSpec, signal } = request
  const event = (type: 'Normal' | 'Warning', reason: string, message: string) => recorder.container(pod, container, type, reason, message)
  const failed = (reason: string, error: Error, retryAt = clock.monotonic() + resyncMilliseconds) => {
    event('Warning', 'Failed', `Error: ${error instanceof ImageError ? error.reason : error.message}`)
    return new StartError(reason, error.message, retryAt)
  }
  const pullSecrets = () => readPullSecrets(services, pod)
  const present = await orAborted(services.images.ensure({ pod, container, pullSecrets }), signal).catch((error: Error) => {
    signal.throwIfAborted()
    if (error instanceof ImageError) throw failed(error.reason, error, error.retryAt)
    throw failed('ErrImagePull', error)
  })
  signal.throwIfAborted()
  const spec = await configure(services, request, present).catch((error: Error) => {
    throw failed('CreateContainerConfigError', error)
  })
  const id = await services.startSlots(async () => {
    signal.throwIfAborted()
    const created = await runtime.createContainer(sandbox.id, spec, sandboxSpec).catch((error: Error) => {
      // its sandbox may have ended, or what was made of it may be there and hold its name
      view.recheck()
      throw failed('CreateContainerError', error)
    })
    event('Normal', 'Created', 'Container created')
    await runtime.startContainer(created).catch(async (error: Error) => {
      await view.refreshContainer(created)
      throw failed('RunContainerError', error)
    })
    event('Normal', 'Started', 'Container started')
    await view.refreshContainer(created)
    return created
  }, pod.spec.priority)
  void linkLog(services, request, id, spec.logPath)
  await postStart(services, request, id)
}

async function configure(services: PodServices, { pod, container, sandbox }: StartContainer, present: Awaited<ReturnType<PodServices['images']['ensure']>>) {
  const { view, directories, volumes, clusterDomain, recursiveReadOnly, memoryCapacityBytes } = services
  const hostIps = services.hostIps()
  const known = services.services()
  if (!known) throw new ConfigError('services have not yet been read at least once, cannot construct envvars')
  const podIps = pod.spec.hostNetwork ? hostIps : sandbox.ips
  const { namespace } = pod.metadata
  const env = await environment({
    pod, container: container.spec, addresses: { podIps, hostIps }, allocatable: services.allocatable(),
    services: serviceVariables(known, namespace, pod.spec.enableServiceLinks ?? true),
    configMap: (name) => readOptional<ConfigMap>(services, configmaps, namespace, name),
    secret: (name) => readOptional<Secret>(services, secrets, namespace, name),
  })
  const before = latest(view.observe(pod.metadata.uid), container.spec.name)
  const logged = await prepareLogDirectory(podLogDirectory(directories.podLogs, pod), container.spec.name)
  const restartCount = before ? restartCountOf(before) + 1 : logged
  const mounts = await containerMounts({
    pod, container, env, podIps, clusterDomain, recursiveReadOnly, volumes: volumes.of(pod.metadata.uid) ?? new Map(),
    podDirectory: join(directories.root, 'pods', pod.metadata.uid), instance: randomBytes(4).toString('hex'),
  })
  const target = container.spec.targetContainerName ? latest(view.observe(pod.metadata.uid), container.spec.targetContainerName) : undefined
  if (container.spec.targetContainerName && !target) throw new ConfigError(`unable to find target container ${container.spec.targetContainerName}`)
  return containerSpec({
    pod, container, restartCount, imageReference: present.reference, image: present.image, env, mounts,
    resources: containerResources(pod, container.spec, { memoryCapacityBytes, unified: services.cgroups.unified }), seccompRoot: join(directories.root, 'seccomp'), targetContainerId: target?.id,
  })
}

const readOptional = <T extends KubeObject>({ client }: PodServices, ref: ResourceRef<T>, namespace: string, name: string): Promise<T | undefined> =>
  client.resource(ref, namespace).get(name).catch(ignoreNotFound)

/** Secrets that are missing are left out: the registry may not need them. */
async function readPullSecrets(services: PodServices, pod: AgentPod): Promise<Secret[]> {
  const names = (pod.spec.imagePullSecrets ?? []).map(({ name }) => name ?? '')
  const found = await Promise.all(names.map((name) => readOptional<Secret>(services, secrets, pod.metadata.namespace, name).catch(() => undefined)))
  const missing = names.filter((_, i) => !found[i])
  if (missing.length > 0) {
    const message = `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`
    services.recorder.pod(pod, 'Warning', 'FailedToRetrieveImagePullSecret', message)
  }
  return found.filter((secret) => secret !== undefined)
}

/** `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`, which log collectors look for. */
async function linkLog({ directories, log }: PodServices, { pod, container }: StartContainer, id: string, logPath: string): Promise<void> {
  const { name, namespace } = pod.metadata
  try {
    await mkdir(directories.containerLogs, { recursive: true })
    await symlink(join(podLogDirectory(directories.podLogs, pod), logPath), join(directories.containerLogs, `${name}_${namespace}_${container.spec.name}-${id}.log`))
  } catch (error) {
    log.debug('log not linked', { container: id, error })
  }
}

async function postStart(services: PodServices, { pod, container, sandbox, signal }: StartContainer, id: string): Promise<void> {
  const handler = container.spec.lifecycle?.postStart
  if (!handler) return
  const podIp = (pod.spec.hostNetwork ? services.hostIps()[0] : sandbox.ips[0]) ?? ''
  try {
    await runHandler(handler, { ...services, pod, container, containerId: id, podIp, signal })
  } catch (error) {
    signal.throwIfAborted()
    services.recorder.container(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
    await killContainer(services, { pod, id, name: container.spec.name, message: 'FailedPostStartHook', reason: 'FailedPostStartHook', after: [], podIp })
    throw new StartError('PostStartHookError', (error as Error).message, services.clock.monotonic())
  }
}
