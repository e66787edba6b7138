// Containers in a sandbox: created, started, stopped, removed.
import { randomBytes } from 'node:crypto'
import { closeSync, constants as flags, mkdirSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../../base/child-process.ts'
import { RuntimeError, type Container, type ContainerSpec, type ContainerStatus, type SandboxSpec } from '../container-runtime.ts'
import { unlessGone } from '../cri/connection.ts'
import { cgroupOf, directoryOf, rootOf, volumesOf, type CtrContext } from './context.ts'
import { makeImageVolumes } from './image-volumes.ts'
import { referenceOf, unlessNotFound } from './images.ts'
import { capabilitiesOf } from './oci/capabilities.ts'
import { containerMounts } from './oci/mounts.ts'
import { containerOciSpec } from './oci/spec.ts'
import { resolveUser } from './oci/users.ts'
import type { ContainerRecord } from './records.ts'
import { mountRootfs, removeRootfs } from './rootfs.ts'
import { createContainerOf, hostnameOf, sharedMemoryOf } from './sandboxes.ts'
import { milliseconds, services } from './services.ts'
import { findTask, finish, followsPipes, settle, type Task } from './tasks.ts'

export function recordOf({ containers }: CtrContext, id: string): ContainerRecord {
  const record = containers.get(id)
  if (!record || record.phase === 'creating') throw new RuntimeError('NotFound', `an error occurred when try to find container ${JSON.stringify(id)}: not found`)
  return record
}

export async function createContainer(context: CtrContext, sandboxId: string, spec: ContainerSpec, sandboxSpec: SandboxSpec): Promise<string> {
  const sandbox = context.sandboxes.get(sandboxId)
  if (!sandbox) throw new RuntimeError('NotFound', `failed to find sandbox id ${JSON.stringify(sandboxId)}: not found`)
  const pause = await findTask(context, sandboxId)
  if (sandbox.phase !== 'ready' || pause?.status !== 'running') throw new RuntimeError('Unknown', `sandbox container ${JSON.stringify(sandboxId)} is not running`)
  const image = await context.images.find(spec.image)
  if (!image) throw new RuntimeError('NotFound', `failed to resolve image ${JSON.stringify(spec.image)}: not found`)
  const { env: _env, command: _command, args: _args, ...kept } = spec
  const id = randomBytes(32).toString('hex')
  const record = context.containers.save({
    id, sandboxId, phase: 'creating', spec: kept, image: image.names.find((name) => !name.includes('@')) ?? image.id, imageId: image.id, imageRef: referenceOf(image), createdAt: Date.now(), startedAt: 0,
    logPath: spec.logPath ? join(sandboxSpec.logDirectory, spec.logPath) : '', cgroup: cgroupOf(sandboxSpec.cgroupParent, id), stopSignal: signalName(spec.stopSignal ?? image.config.StopSignal),
    user: { uid: 0, gid: 0, supplementalGroups: [] },
  })
  try {
    const directory = directoryOf(context, id)
    const root = rootOf(context, id)
    mkdirSync(directory, { recursive: true, mode: 0o711 })
    const [seccomp, apparmor, targetPid] = await Promise.all([
      context.profiles.seccomp(spec.security, capabilitiesOf(spec.security)), context.profiles.apparmor(spec.security), pidOf(context, spec.targetContainerId),
      mountRootfs({ containerd: context.containerd, images: context.images, snapshotter: await context.snapshotter(), image, key: id, target: root }),
    ])
    const imageVolumes = await makeImageVolumes({ root, volumes: image.config.Volumes, mounts: spec.mounts, directory: volumesOf(context, id) })
    const { mounts, rootfsPropagation } = await containerMounts({
      spec: { ...spec, mounts: [...imageVolumes, ...spec.mounts] }, sandboxDirectory: directoryOf(context, sandboxId), sharedMemory: sharedMemoryOf(context, sandbox),
    })
    const user = await resolveUser(root, image.config.User ?? '', spec.security)
    const oci = await containerOciSpec({
      spec, sandbox: sandbox.spec, sandboxId, sandboxPid: pause.pid, targetPid, networkNamespace: sandbox.networkNamespace, root, image: image.config, user, hostname: hostnameOf(sandbox.spec), cgroup: record.cgroup,
      mounts, rootfsPropagation, host: context.host, seccomp, apparmor,
    })
    await createContainerOf(context, id, oci, { 'io.mk8s.kind': 'container', 'io.mk8s.sandbox': sandboxId, 'io.mk8s.name': spec.name })
    context.containers.save({ ...record, phase: 'created', user })
    return id
  } catch (error) {
    await discardContainer(context, id).catch(() => undefined)
    throw error
  }
}

async function pidOf(context: CtrContext, id: string | undefined): Promise<number | undefined> {
  if (id === undefined) return undefined
  const task = await findTask(context, id)
  if (task?.status !== 'running') throw new RuntimeError('Unknown', `invalid target container: container ${JSON.stringify(id)} is not running`)
  return task.pid
}

/** CRI writes SIGRTMINPLUS1 for what signal(7) and `ctr` call SIGRTMIN+1. */
const signalName = (name = 'SIGTERM'): string => name.replace(/^(?:SIG)?RTMIN(?:PLUS)?\+?(\d+)$/, 'SIGRTMIN+$1').replace(/^(?:SIG)?RTMAX(?:MINUS)?-?(\d+)$/, 'SIGRTMAX-$1')

export async function startContainer(context: CtrContext, id: string): Promise<void> {
  const record = recordOf(context, id)
  if (record.phase !== 'created') throw new RuntimeError('Unknown', `container ${JSON.stringify(id)} is in ${stateOf(record.phase).toUpperCase()} state`)
  if (record.logPath) {
    mkdirSync(dirname(record.logPath), { recursive: true, mode: 0o755 })
    closeSync(openSync(record.logPath, 'a', 0o640))
    symlinkSync(record.logPath, join(directoryOf(context, id), 'log'))
  }
  const started = context.containers.save({ ...record, phase: 'running', startedAt: Date.now() })
  try {
    await (followsPipes(record) ? startOnPipes(context, record) : context.containerd.ctr(['tasks', 'start', '--detach', '--log-uri', context.logger.uri(directoryOf(context, id)), id]))
  } catch (error) {
    const message = `failed to create containerd task: ${(error as Error).message}`
    await finish(context, { ...started, exit: { code: 128, at: Date.now(), reason: 'StartError', message } }).catch(() => undefined)
    throw new RuntimeError(error instanceof RuntimeError ? error.code : 'Unknown', message, error)
  }
}

/** `ctr` can start a container with a terminal only from a terminal, and one with standard input only while it stays: so containerd is asked itself. */
async function startOnPipes(context: CtrContext, { id, spec }: ContainerRecord): Promise<void> {
  const pipe = (name: string) => join(directoryOf(context, id), name)
  const outputs = spec.tty ? ['stdout'] : ['stdout', 'stderr']
  const { code, stderr } = await run('mkfifo', [...(spec.stdin ? ['stdin'] : []), ...outputs].map(pipe))
  if (code !== 0) throw new RuntimeError('Unknown', stderr.trim())
  // The shim waits for readers; the logger must not read before there is a writer.
  const readers = outputs.map((name) => openSync(pipe(name), flags.O_RDONLY | flags.O_NONBLOCK))
  try {
    await context.containerd.call(services.createTask, {
      containerId: id, terminal: spec.tty, stdin: spec.stdin ? pipe('stdin') : '', stdout: pipe('stdout'), stderr: spec.tty ? '' : pipe('stderr'),
    })
    writeFileSync(pipe('logger'), String(await context.logger.follow(directoryOf(context, id), readers)))
    await context.containerd.call(services.start, { containerId: id })
  } finally {
    readers.forEach((fd) => closeSync(fd))
  }
}

export async function stopContainer(context: CtrContext, id: string, graceSeconds: number): Promise<void> {
  const record = context.containers.get(id)
  if (!record || (await context.exclusively(id, () => settle(context, context.containers.get(id) ?? record))).phase !== 'running') return
  const { containerd } = context
  const ended = containerd.call(services.wait, { containerId: id }, { timeoutMilliseconds: graceSeconds * 1000 + 60_000 })
  ended.catch(() => undefined)
  if (graceSeconds > 0) {
    await unlessNotFound(containerd.ctr(['tasks', 'kill', '--signal', record.stopSignal, id]))
    const timer = Promise.withResolvers<'late'>()
    const timeout = setTimeout(() => timer.resolve('late'), graceSeconds * 1000)
    // A containerd that goes away meanwhile is no reason to cut the grace short: the caller tries again.
    const first = await Promise.race([unlessGone(ended, undefined), timer.promise]).finally(() => clearTimeout(timeout))
    if (first === 'late') await kill(context, id)
  } else await kill(context, id)
  const end = await unlessGone(ended, undefined)
  await context.exclusively(id, async () => settle(context, context.containers.get(id) ?? record, end && { code: end.exitStatus, at: milliseconds(end.exitedAt) }))
}

/** As `ctr` says of a process that has just ended: not found. */
const kill = ({ containerd }: CtrContext, id: string) => unlessNotFound(containerd.ctr(['tasks', 'kill', '--signal', 'SIGKILL', id]))

export async function removeContainer(context: CtrContext, id: string): Promise<void> {
  if (!context.containers.get(id)) return
  await stopContainer(context, id, 0)
  await context.exclusively(id, () => discardContainer(context, id))
}

/** Also for one whose record says nothing. */
export async function discardContainer(context: CtrContext, id: string): Promise<void> {
  const { containerd } = context
  if (context.containers.get(id)?.phase !== 'exited') await unlessNotFound(containerd.ctr(['tasks', 'delete', '--force', id]))
  await Promise.all([
    unlessNotFound(containerd.ctr(['containers', 'delete', id])),
    context.snapshotter().then((snapshotter) => removeRootfs({ containerd, snapshotter, key: id, target: rootOf(context, id) })),
  ])
  for (const directory of [directoryOf(context, id), volumesOf(context, id)]) rmSync(directory, { recursive: true, force: true })
  context.containers.remove(id)
}

const stateOf = (phase: ContainerRecord['phase']) => (phase === 'creating' ? 'unknown' : phase)

/** @param task as the list of tasks has it. */
export function asContainer({ id, sandboxId, phase, spec, image, imageId, imageRef, createdAt }: ContainerRecord, task?: Task): Container {
  const state = phase === 'running' && task?.status !== 'running' ? 'exited' : stateOf(phase)
  return { id, sandboxId, name: spec.name, attempt: spec.attempt, image, imageId, imageRef, state, createdAt, labels: spec.labels, annotations: spec.annotations }
}

export async function containerStatus(context: CtrContext, id: string): Promise<ContainerStatus> {
  recordOf(context, id)
  const record = await context.exclusively(id, async () => settle(context, recordOf(context, id)))
  const { spec, startedAt, exit, logPath, user, phase } = record
  return {
    ...asContainer(record), state: stateOf(phase), startedAt, finishedAt: exit?.at ?? 0, exitCode: exit?.code ?? 0, reason: exit?.reason ?? '', message: exit?.message ?? '', logPath, mounts: spec.mounts,
    resources: spec.resources, user,
  }
}
