// A runtime in memory whose containers do what a test says. It keeps the promises of the contract suite and runs no process.
import { createHash } from 'node:crypto'
import { PassThrough, type Duplex } from 'node:stream'
import type { Clock, Timer } from '../base/clock.ts'
import {
  RuntimeError, type Container, type ContainerRuntime, type ContainerSpec, type ContainerStats, type ContainerStatus, type ExecResult, type Image,
  type InteractiveStreams, type LinuxResources, type RegistryAuth, type RuntimeEvent, type RuntimeInfo, type Sandbox, type SandboxSpec, type SandboxStatus, type StreamOptions,
} from './container-runtime.ts'
import { echoStreams } from './fake-streams.ts'

/** What a container does once started. Without a word it runs until it is stopped and then ends with 0. */
interface FakeBehaviour {
  createError?: RuntimeError
  startError?: RuntimeError
  /** It ends by itself. */
  exit?: { afterMilliseconds: number; code: number; reason?: string; message?: string }
  /** SIGTERM does not end it: it is killed (137) when the grace is over. */
  ignoresTerm?: boolean
  /** Its answer to SIGTERM; default 0. */
  termCode?: number
}

export interface FakeRuntimeOptions {
  clock: Clock
  /** References that are present from the start. */
  images?: readonly string[]
  behaviour?(spec: ContainerSpec, sandbox: SandboxSpec): FakeBehaviour
  /** Resolves when the image has been pulled, rejects when it cannot be. Default: everything can be pulled at once. */
  pull?(reference: string, auth: RegistryAuth | undefined): Promise<void>
  execSync?(container: Container, command: string[], timeoutSeconds: number): Promise<ExecResult> | ExecResult
  /** Default true; false makes `events` answer undefined. */
  hasEvents?: boolean
}

interface FakeSandbox {
  status: SandboxStatus
  spec: SandboxSpec
}

interface FakeContainer {
  status: ContainerStatus
  spec: ContainerSpec
  behaviour: FakeBehaviour
  timer?: Timer
  ended: PromiseWithResolvers<void>
}

const fakeImageId = (reference: string): string => `sha256:${createHash('sha256').update(reference).digest('hex')}`
const missing = (what: string, id: string) => new RuntimeError('NotFound', `${what} "${id}": not found`)

export class FakeRuntime implements ContainerRuntime {
  /** Every call so far as `method argument`, oldest first. */
  readonly calls: string[] = []
  readonly sandboxes = new Map<string, FakeSandbox>()
  readonly containers = new Map<string, FakeContainer>()
  readonly images = new Map<string, Image>()
  /** Answers of `info`; a test may change them. */
  state = { ready: true, networkReady: true, message: '' }
  readonly #options: FakeRuntimeOptions
  readonly #failures: { method: string; error: RuntimeError }[] = []
  readonly #listeners = new Set<{ event(event: RuntimeEvent): void; lost(): void }>()
  #nextId = 1

  constructor(options: FakeRuntimeOptions) {
    this.#options = options
    for (const reference of options.images ?? []) this.addImage(reference)
  }

  addImage(reference: string, facts: Partial<Image> = {}): void {
    const id = facts.id ?? fakeImageId(reference)
    this.images.set(id, { id, repoTags: [reference], repoDigests: [], sizeBytes: 1_000_000, username: '', pinned: false, ...facts })
  }

  /** The next call of `method` rejects with `error`. */
  failNext(method: keyof ContainerRuntime, error: RuntimeError): void {
    this.#failures.push({ method, error })
  }

  /** Ends a running container as if its process had: by id, or by the name in its spec. */
  exit(idOrName: string, code: number, reason?: string, message = ''): void {
    const found = this.containers.get(idOrName) ?? [...this.containers.values()].findLast((c) => c.spec.name === idOrName && c.status.state === 'running')
    if (!found) throw new Error(`no container ${idOrName} is running`)
    this.#end(found, code, reason, message)
  }

  /** As a runtime that was restarted: subscribers are told that events may be missing. */
  loseEvents(): void {
    for (const listener of this.#listeners) listener.lost()
  }

  /** As a machine that was rebooted: nothing runs any more. */
  crash(): void {
    for (const container of this.containers.values()) if (container.status.state === 'running') this.#end(container, 255, 'Unknown')
    for (const sandbox of this.sandboxes.values()) sandbox.status.ready = false
  }

  async info(): Promise<RuntimeInfo> {
    this.#enter('info')
    const features = { imageVolumes: false, userNamespaces: false, recursiveReadOnlyMounts: false }
    return { name: 'fake', version: '1.0.0', apiVersion: 'v1', cgroupDriver: 'cgroupfs', ...this.state, features }
  }

  async runSandbox(spec: SandboxSpec): Promise<string> {
    this.#enter('runSandbox', `${spec.namespace}/${spec.name}`)
    // as containerd has it: what is left of an attempt holds its name
    const holder = [...this.sandboxes.values()].find((other) => other.spec.uid === spec.uid && other.spec.attempt === spec.attempt)
    if (holder) throw new RuntimeError('Unknown', `failed to reserve sandbox name "${spec.name}_${spec.attempt}": name is reserved for "${holder.status.id}"`)
    const id = this.#newId('s')
    const { name, namespace, uid, attempt, labels, annotations } = spec
    const ips = spec.namespaces.network === 'node' ? [] : [`10.42.0.${(this.#nextId % 250) + 2}`]
    this.sandboxes.set(id, { spec, status: { id, ready: true, name, namespace, uid, attempt, createdAt: this.#options.clock.now(), labels, annotations, ips } })
    return id
  }

  async stopSandbox(id: string): Promise<void> {
    this.#enter('stopSandbox', id)
    const sandbox = this.sandboxes.get(id)
    if (!sandbox) return
    for (const container of this.#containersOf(id)) if (container.status.state === 'running') this.#end(container, 137)
    sandbox.status.ready = false
    this.#emit({ type: 'sandbox-stopped', id })
  }

  async removeSandbox(id: string): Promise<void> {
    this.#enter('removeSandbox', id)
    for (const container of this.#containersOf(id)) await this.removeContainer(container.status.id)
    this.sandboxes.delete(id)
  }

  async listSandboxes(): Promise<Sandbox[]> {
    this.#enter('listSandboxes')
    return [...this.sandboxes.values()].map(({ status: { ips: _ips, ...sandbox } }) => sandbox)
  }

  async sandboxStatus(id: string): Promise<SandboxStatus> {
    this.#enter('sandboxStatus', id)
    return { ...this.#sandbox(id).status }
  }

  async sandboxProcess(): Promise<undefined> {}

  async createContainer(sandboxId: string, spec: ContainerSpec, sandboxSpec: SandboxSpec): Promise<string> {
    this.#enter('createContainer', spec.name)
    const sandbox = this.#sandbox(sandboxId)
    if (!sandbox.status.ready) throw new RuntimeError('Unknown', `sandbox container "${sandboxId}" is not running`)
    const image = this.#findImage(spec.image)
    if (!image) throw missing('image', spec.image)
    const behaviour = this.#options.behaviour?.(spec, sandboxSpec) ?? {}
    if (behaviour.createError) throw behaviour.createError
    const id = this.#newId('c')
    const { name, attempt, labels, annotations, mounts, resources } = spec
    const status: ContainerStatus = {
      id, sandboxId, name, attempt, labels, annotations, mounts, resources, image: image.repoTags[0] ?? image.id, imageId: image.id, imageRef: image.repoDigests[0] ?? image.id, state: 'created',
      createdAt: this.#options.clock.now(), startedAt: 0, finishedAt: 0, exitCode: 0, reason: '', message: '', logPath: `${sandboxSpec.logDirectory}/${spec.logPath}`,
    }
    this.containers.set(id, { status, spec, behaviour, ended: Promise.withResolvers() })
    this.#emit({ type: 'container-created', id })
    return id
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#container(id)
    this.#enter('startContainer', container.spec.name)
    if (container.status.state !== 'created') throw new RuntimeError('Unknown', `container "${id}" is in state ${container.status.state}`)
    if (container.behaviour.startError) {
      this.#end(container, 128, 'StartError', container.behaviour.startError.message)
      throw container.behaviour.startError
    }
    Object.assign(container.status, { state: 'running', startedAt: this.#options.clock.now() })
    this.#emit({ type: 'container-started', id })
    const { exit } = container.behaviour
    if (exit) container.timer = this.#options.clock.after(exit.afterMilliseconds, () => this.#end(container, exit.code, exit.reason, exit.message))
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    this.#enter('stopContainer', `${this.containers.get(id)?.spec.name ?? id} ${graceSeconds}`)
    const container = this.containers.get(id)
    if (container?.status.state !== 'running') return
    if (graceSeconds <= 0) return this.#end(container, 137)
    if (!container.behaviour.ignoresTerm) return this.#end(container, container.behaviour.termCode ?? 0)
    const kill = this.#options.clock.after(graceSeconds * 1000, () => this.#end(container, 137))
    await container.ended.promise
    kill.cancel()
  }

  async removeContainer(id: string): Promise<void> {
    this.#enter('removeContainer', this.containers.get(id)?.spec.name ?? id)
    const container = this.containers.get(id)
    if (!container) return
    if (container.status.state === 'running') this.#end(container, 137)
    this.containers.delete(id)
    this.#emit({ type: 'container-deleted', id })
  }

  async listContainers(): Promise<Container[]> {
    this.#enter('listContainers')
    return [...this.containers.values()].map(({ status }) => asContainer(status))
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    this.#enter('containerStatus', id)
    return { ...this.#container(id).status }
  }

  async updateResources(id: string, resources: LinuxResources): Promise<void> {
    this.#enter('updateResources', id)
    const { status } = this.#container(id)
    status.resources = { ...status.resources, ...resources }
  }

  async reopenLog(id: string): Promise<void> {
    this.#enter('reopenLog', id)
    if (this.#container(id).status.state !== 'running') throw new RuntimeError('Unknown', 'container is not running')
  }

  async execSync(id: string, command: string[], timeoutSeconds: number): Promise<ExecResult> {
    const container = this.#running(id)
    this.#enter('execSync', `${container.spec.name} ${command.join(' ')}`)
    return (await this.#options.execSync?.(asContainer(container.status), command, timeoutSeconds)) ?? { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  }

  /** Echoes its standard input and ends with 0 when that ends; `exit N` on it ends with N. */
  async exec(id: string, command: string[], options: StreamOptions): Promise<InteractiveStreams> {
    this.#enter('exec', `${this.#running(id).spec.name} ${command.join(' ')}`)
    return echoStreams(options)
  }

  async attach(id: string, options: StreamOptions): Promise<InteractiveStreams> {
    this.#enter('attach', this.#running(id).spec.name)
    return echoStreams(options)
  }

  async portForward(sandboxId: string, port: number): Promise<Duplex> {
    this.#enter('portForward', `${this.#sandbox(sandboxId).spec.name} ${port}`)
    return new PassThrough()
  }

  async containerStats(): Promise<ContainerStats[]> {
    this.#enter('containerStats')
    const running = [...this.containers.values()].filter((c) => c.status.state === 'running')
    const timestamp = this.#options.clock.now()
    const zero = { cpuNanoseconds: 0, memoryWorkingSetBytes: 0, memoryUsageBytes: 0, writableLayerBytes: 0, writableLayerInodes: 0 }
    return running.map(({ status }) => ({ containerId: status.id, name: status.name, sandboxId: status.sandboxId, timestamp, ...zero }))
  }

  async listImages(): Promise<Image[]> {
    this.#enter('listImages')
    return [...this.images.values()]
  }

  async imageStatus(reference: string): Promise<Image | undefined> {
    this.#enter('imageStatus', reference)
    return this.#findImage(reference)
  }

  async pullImage(reference: string, auth?: RegistryAuth): Promise<string> {
    this.#enter('pullImage', reference)
    await this.#options.pull?.(reference, auth)
    if (!this.#findImage(reference)) this.addImage(reference)
    return this.#findImage(reference)!.id
  }

  async removeImage(reference: string): Promise<void> {
    this.#enter('removeImage', reference)
    const image = this.#findImage(reference)
    if (image) this.images.delete(image.id)
  }

  async imageFilesystem() {
    this.#enter('imageFilesystem')
    const usedBytes = [...this.images.values()].reduce((sum, image) => sum + image.sizeBytes, 0)
    return { mountpoint: '/', usedBytes, inodesUsed: this.images.size }
  }

  events(listener: (event: RuntimeEvent) => void, lost: () => void) {
    if (this.#options.hasEvents === false) return undefined
    const entry = { event: listener, lost }
    this.#listeners.add(entry)
    return { stop: () => void this.#listeners.delete(entry) }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    for (const container of this.containers.values()) container.timer?.cancel()
  }

  #enter(method: keyof ContainerRuntime, argument = ''): void {
    this.calls.push(argument ? `${method} ${argument}` : method)
    const at = this.#failures.findIndex((failure) => failure.method === method)
    if (at >= 0) throw this.#failures.splice(at, 1)[0]!.error
  }

  #newId = (prefix: string) => prefix + (this.#nextId++).toString(16).padStart(63, '0')

  #emit(event: RuntimeEvent): void {
    queueMicrotask(() => this.#listeners.forEach((listener) => listener.event(event)))
  }

  #sandbox(id: string): FakeSandbox {
    const sandbox = this.sandboxes.get(id)
    if (!sandbox) throw missing('sandbox', id)
    return sandbox
  }

  #container(id: string): FakeContainer {
    const container = this.containers.get(id)
    if (!container) throw missing('container', id)
    return container
  }

  #running(id: string): FakeContainer {
    const container = this.#container(id)
    if (container.status.state !== 'running') throw new RuntimeError('Unknown', `container "${id}" is in state ${container.status.state}`)
    return container
  }

  #containersOf = (sandboxId: string) => [...this.containers.values()].filter((c) => c.status.sandboxId === sandboxId)

  #findImage = (reference: string) => this.images.get(reference) ?? [...this.images.values()].find((i) => [...i.repoTags, ...i.repoDigests].includes(reference))

  #end(container: FakeContainer, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error', message = ''): void {
    container.timer?.cancel()
    Object.assign(container.status, { state: 'exited', finishedAt: this.#options.clock.now(), exitCode, reason, message })
    container.ended.resolve()
    this.#emit({ type: 'container-stopped', id: container.status.id })
  }
}

function asContainer({ id, sandboxId, name, attempt, image, imageId, imageRef, state, createdAt, labels, annotations }: ContainerStatus): Container {
  return { id, sandboxId, name, attempt, image, imageId, imageRef, state, createdAt, labels, annotations }
}
