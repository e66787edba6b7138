// containerd as a supervised child. It outlives us: stopping mk8s leaves it and its pods running, the next start adopts it when its configuration
// is still the wanted one, and replaces it (pods keep running under their shims) when it is not. When it dies it is started again with back-off.
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { copyFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readText } from '../../base/read-file.ts'
import { sleep, type Clock, type Timer } from '../../base/clock.ts'
import type { Component } from '../../base/component.ts'
import { startDetached, systemPath } from '../../base/child-process.ts'
import { commandLineOf } from '../../base/processes.ts'
import { createGrpcClient, type GrpcClient } from '../../base/grpc/client.ts'
import type { Logger } from '../../base/logger.ts'
import { methods, subscribe } from '../cri/methods.ts'
import { services } from '../ctr/services.ts'
import { defaultPauseImage } from '../pause/image.ts'
import { renderConfig } from './config.ts'
import { settleLeftMarks } from './distrusted.ts'
import { canMountOverlay, findPrograms, readHostFacts, type Programs } from './host.ts'
import { ensurePauseImage, readSnapshotter } from './images.ts'
import { importDirectory } from './laid-down-images.ts'
import { noteHeld, removeUnknown } from './leftovers.ts'
import { containerdPaths, type ContainerdPaths } from './paths.ts'
import { credentialsOf, readRegistries, writeRegistries } from './registries.ts'

interface ContainerdOptions {
  dataDirectory: string
  clock: Clock
  log: Logger
  /** Default `overlayfs`, with `native` in its place where overlay cannot be mounted. */
  snapshotter?: string
  pauseImage?: string
  /** Default /etc/mk8s/registries.yaml. Need not exist. */
  registriesFile?: string
  /** False for the `ctr` driver, which does itself what the plug-in does. */
  criPlugin?: boolean
  /** Where CNI plug-ins are looked for; default: the machine's usual directories. */
  cniBinDirectory?: string
}

const startTimeout = 60_000
const healthInterval = 15_000
const healthTimeout = 10_000
const mostUnanswered = 2
const logLimit = 10 * 1024 * 1024
const logCheckInterval = 3600_000

export function containerdComponent(options: ContainerdOptions): Component {
  return {
    name: 'containerd',
    async start(signal) {
      const supervisor = createSupervisor(options)
      await supervisor.begin(signal)
      return { failed: new Promise(() => {}), stop: async () => supervisor.leave() }
    },
  }
}

function createSupervisor(options: ContainerdOptions) {
  const { clock, log, pauseImage = defaultPauseImage, criPlugin = true } = options
  const paths = containerdPaths(options.dataDirectory)
  const left = new AbortController()
  let rotation: Timer | undefined

  async function begin(signal: AbortSignal): Promise<void> {
    const programs = findPrograms()
    if (options.cniBinDirectory) programs.cni = options.cniBinDirectory
    const changed = await writeConfiguration(options, paths, programs)
    const adopted = await adopt(paths, criPlugin, changed, log)
    if (!adopted) await relaunch(programs, signal)
    log.info('containerd is ready', { pid: readPid(paths), adopted, socket: paths.socket })
    if (!adopted) await settleLeftMarks({ ctr: programs.ctr, paths, snapshotter: await readSnapshotter(paths.socket), log })
    if (criPlugin) await ensurePauseImage(programs.ctr, paths, pauseImage)
    void importDirectory(programs.ctr, paths, log)
    void watchOver(programs)
    keepLogSmall()
  }

  /** What an earlier one has left is looked for while none runs, and taken away beside the new one's first work. */
  async function relaunch(programs: Programs, signal: AbortSignal): Promise<void> {
    if (!criPlugin) return launch(paths, programs, criPlugin, signal)
    const held = await noteHeld({ paths, programs }, clock)
    await launch(paths, programs, criPlugin, signal)
    void removeUnknown(held, { paths, programs }, log).catch((error: unknown) => log.warn('leftovers of an earlier containerd were not removed', { error }))
  }

  async function watchOver(programs: Programs): Promise<void> {
    for (let failures = 0; ; failures++) {
      const since = clock.monotonic()
      const end = await lifeOf({ paths, clock, criPlugin, signal: left.signal })
      if (left.signal.aborted) return
      if (end === 'hung') kill(paths, log)
      if (clock.monotonic() - since > 60_000) failures = 0
      log.error('containerd has ended and is started again', { log: paths.logFile, attempt: failures + 1 })
      try {
        await sleep(clock, Math.min(30_000, 500 * 2 ** failures), left.signal)
        await relaunch(programs, left.signal)
      } catch (error) {
        if (left.signal.aborted) return
        log.error('containerd could not be started', { error })
      }
    }
  }

  function keepLogSmall(): void {
    void rotateLog(paths.logFile).catch((error: unknown) => log.warn('the log of containerd could not be rotated', { error }))
    rotation = clock.after(logCheckInterval, keepLogSmall)
  }

  return {
    begin,
    leave() {
      left.abort()
      rotation?.cancel()
    },
  }
}

/** @returns true when the file differs from what an already running containerd was started with, or the program does: `ctr` and the shims beside it belong to the new one. */
async function writeConfiguration(options: ContainerdOptions, paths: ContainerdPaths, programs: Programs): Promise<boolean> {
  for (const directory of [paths.root, paths.state, paths.images, paths.cniConfig, dirname(paths.config)]) mkdirSync(directory, { recursive: true, mode: 0o711 })
  const registries = await readRegistries(options.registriesFile)
  writeRegistries(paths.registries, registries)
  const text = `# for ${programs.containerd} of ${statSync(programs.containerd).mtime.toISOString()}\n` + renderConfig({
    paths, programs, host: readHostFacts(), snapshotter: await chooseSnapshotter(options, paths), pauseImage: options.pauseImage ?? defaultPauseImage, credentials: credentialsOf(registries),
    criPlugin: options.criPlugin ?? true,
  })
  const before = readText(paths.config)
  writeFileSync(paths.config, text, { mode: 0o600 })
  chmodSync(paths.config, 0o600)
  return text !== before
}

async function chooseSnapshotter({ snapshotter = 'overlayfs', log }: ContainerdOptions, paths: ContainerdPaths): Promise<string> {
  if (snapshotter !== 'overlayfs' || (await canMountOverlay(paths.root))) return snapshotter
  log.warn('overlay cannot be mounted in the data directory, images are unpacked with the native snapshotter', { directory: paths.root })
  return 'native'
}

/** A containerd of ours that answers is kept; one that does not, or has an old configuration, or was upgraded, is ended first. */
async function adopt(paths: ContainerdPaths, criPlugin: boolean, changed: boolean, log: Logger): Promise<boolean> {
  const pid = readPid(paths)
  if (pid === undefined || !isOurs(pid, paths)) return false
  if (!changed && (await answers(paths.socket, criPlugin))) return true
  log.info('containerd is replaced', { pid, reason: changed ? 'its configuration or its program has changed' : 'it does not answer' })
  await endProcess(pid, paths)
  return false
}

async function launch(paths: ContainerdPaths, programs: Programs, criPlugin: boolean, signal: AbortSignal): Promise<void> {
  const child = startDetached({
    command: programs.containerd, args: ['--config', paths.config], logFile: paths.logFile, cgroup: paths.cgroup,
    env: { PATH: [dirname(programs.containerd), dirname(programs.runc), systemPath].join(':'), HOME: '/root' },
  })
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  child.once('error', () => ended.abort())
  writeFileSync(paths.pidFile, `${child.pid ?? ''}\n`)
  try {
    await untilAnswering({ paths, criPlugin, ended: ended.signal, signal })
  } catch (error) {
    // one that hangs would be in the way of the next
    child.kill('SIGKILL')
    rmSync(paths.pidFile, { force: true })
    throw error
  }
}

async function untilAnswering({ paths, criPlugin, ended, signal }: { paths: ContainerdPaths; criPlugin: boolean; ended: AbortSignal; signal: AbortSignal }): Promise<void> {
  const until = performance.now() + startTimeout
  while (!(await answers(paths.socket, criPlugin))) {
    signal.throwIfAborted()
    if (ended.aborted) throw new Error(`containerd ended while it was starting: ${lastError(paths.logFile)}`)
    if (performance.now() > until) throw new Error(`containerd does not answer on ${paths.socket}: ${lastError(paths.logFile)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function answers(socket: string, criPlugin: boolean): Promise<boolean> {
  const client = createGrpcClient(`unix://${socket}`)
  try {
    await askVersion(client, criPlugin, 5000)
    return true
  } catch {
    return false
  } finally {
    client.close()
  }
}

const askVersion = (client: GrpcClient, criPlugin: boolean, timeoutMilliseconds: number): Promise<unknown> =>
  criPlugin ? client.call(methods.version, {}, { timeoutMilliseconds }) : client.call(services.version, {}, { timeoutMilliseconds })

/** Resolves when containerd has gone: a subscription to nothing stays open for as long as it lives. One that hangs is found by a question now and then. */
async function lifeOf({ paths, clock, criPlugin, signal }: { paths: ContainerdPaths; clock: Clock; criPlugin: boolean; signal: AbortSignal }): Promise<'ended' | 'hung'> {
  const client = createGrpcClient(`unix://${paths.socket}`)
  const over = new AbortController()
  const ended = async (): Promise<'ended'> => {
    try {
      for await (const _event of client.stream(subscribe, { filters: ['topic=="/mk8s/none"'] }, { signal }));
    } catch {
      // Every end of the stream means the same.
    }
    return 'ended'
  }
  const hung = async (): Promise<'hung'> => {
    for (let silent = 0; silent < mostUnanswered; ) {
      await sleep(clock, healthInterval, over.signal)
      silent = await askVersion(client, criPlugin, healthTimeout).then(() => 0, () => silent + 1)
    }
    return 'hung'
  }
  try {
    return await Promise.race([ended(), hung()])
  } finally {
    over.abort()
    client.close()
  }
}

function kill(paths: ContainerdPaths, log: Logger): void {
  const pid = readPid(paths)
  if (pid === undefined || !isOurs(pid, paths)) return
  log.error('containerd does not answer and is killed', { pid })
  process.kill(pid, 'SIGKILL')
}

/** Ends it and waits until it has gone. */
export async function endProcess(pid: number, paths: ContainerdPaths): Promise<void> {
  for (const [signal, patience] of [['SIGTERM', 10_000], ['SIGKILL', 10_000]] as const) {
    if (!isOurs(pid, paths)) return
    process.kill(pid, signal)
    const until = performance.now() + patience
    while (isOurs(pid, paths) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A pid may have been given to another process since it was written down. */
function isOurs(pid: number, paths: ContainerdPaths): boolean {
  return commandLineOf(pid)?.includes(paths.config) ?? false
}

export function readPid(paths: ContainerdPaths): number | undefined {
  const pid = Number(readText(paths.pidFile)?.trim() || NaN)
  return Number.isInteger(pid) ? pid : undefined
}

/** containerd keeps the file open in append mode, so its content is copied away and cut off. */
export async function rotateLog(path: string, limit = logLimit): Promise<void> {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= limit) return
  await copyFile(path, `${path}.1`)
  await truncate(path)
}

function lastError(logFile: string): string {
  const lines = (readText(logFile) ?? '').trimEnd().split('\n')
  return (lines.findLast((line) => /level=(error|fatal)|^containerd:/.test(line)) ?? lines.at(-1) ?? '').slice(0, 500)
}
