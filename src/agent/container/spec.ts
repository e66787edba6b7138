// A container as the runtime is asked for it.
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerSpec, Image, LinuxResources, MountSpec } from '../../runtime/container-runtime.ts'
import type { AgentPod, PodContainer } from '../pod/types.ts'
import { expand } from './expand.ts'
import { containerAnnotations, containerLabels } from './labels.ts'
import { containerSecurity } from './security.ts'

interface ContainerSpecInput {
  pod: AgentPod
  container: PodContainer
  restartCount: number
  /** To create it from. */
  imageReference: string
  image?: Image
  env: Record<string, string>
  mounts: MountSpec[]
  resources: LinuxResources
  seccompRoot: string
  /** Id of the container whose processes it shall see. */
  targetContainerId?: string
}

/** @throws ConfigError when the container would run as root and may not. */
export function containerSpec(input: ContainerSpecInput): ContainerSpec {
  const { pod, container, restartCount, env } = input
  const { spec } = container
  const expanded = (words: string[] | undefined) => (words ?? []).map((word) => expand(word, (name) => env[name]))
  const stopSignal = spec.lifecycle?.stopSignal
  return {
    name: spec.name,
    attempt: restartCount,
    image: input.imageReference,
    command: expanded(spec.command),
    args: expanded(spec.args),
    workingDir: spec.workingDir ?? '',
    env: Object.entries(env).map(([key, value]) => ({ key, value })),
    mounts: input.mounts,
    devices: [],
    labels: containerLabels(pod, spec),
    annotations: containerAnnotations(pod, spec, restartCount),
    logPath: `${spec.name}/${restartCount}.log`,
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    tty: spec.tty ?? false,
    resources: input.resources,
    security: containerSecurity({ pod, container: spec, image: input.image, seccompRoot: input.seccompRoot }),
    ...(stopSignal ? { stopSignal } : {}),
    ...(input.targetContainerId ? { targetContainerId: input.targetContainerId } : {}),
  }
}

/** Makes the directory of its logs and counts the starts of which logs are there: what a reboot leaves of a container's history. */
export async function prepareLogDirectory(podLogDirectory: string, name: string): Promise<number> {
  const directory = join(podLogDirectory, name)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const counts = (await readdir(directory)).map((file) => Number.parseInt(file, 10)).filter((n) => !Number.isNaN(n))
  return counts.length === 0 ? 0 : Math.max(...counts) + 1
}
