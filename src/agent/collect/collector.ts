// Housekeeping on one slow timer: logs, dead containers, images, pressure, eviction.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import type { NodePressure } from '../node/node-status.ts'
import type { Pods } from '../pod/pods.ts'
import type { AgentDirectories } from '../pod/services.ts'
import type { RuntimeView } from '../runtime/view.ts'
import { removeDead } from './dead-containers.ts'
import { firstToEvict } from './eviction.ts'
import { createImageCollector } from './image-collector.ts'
import { rotateLog } from './log-rotation.ts'
import { readPressure, type PressureReading } from './pressure.ts'

interface Collector {
  pressure(): NodePressure
  stop(): void
}

interface CollectorOptions {
  runtime: ContainerRuntime
  view: RuntimeView
  clock: Clock
  log: Logger
  recorder: Recorder
  directories: AgentDirectories
  pods(): Pods | undefined
  onPressure(): void
}

const tickMilliseconds = 15_000
/** In ticks. */
const every = { pressure: 1, dead: 4, images: 20 }
const logLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 5 }

export function startCollector(options: CollectorOptions): Collector {
  const { runtime, view, clock, log, recorder, directories } = options
  const images = createImageCollector({ runtime, clock, used: () => usedImages(view) })
  let pressure: PressureReading = { memory: false, disk: false, pids: false, memoryAvailableBytes: 0 }
  let imageDirectory: string | undefined
  let timer: Timer | undefined
  let stopped = false
  let count = 0

  const jobs: { each: number; run(): Promise<unknown>; failed: string }[] = [
    { each: 1, run: rotateLogs, failed: 'logs not rotated' },
    { each: every.pressure, run: watchPressure, failed: 'pressure not read' },
    { each: every.dead, run: () => removeDead({ runtime, view, containerLogs: directories.containerLogs }), failed: 'dead containers not removed' },
    { each: every.images, run: () => images.collect(), failed: 'images not collected' },
  ]

  async function tick(): Promise<void> {
    count++
    for (const { each, run, failed } of jobs) {
      if (count % each === 0 && !stopped) await run().catch((error: Error) => log.warn(failed, { error }))
    }
    if (!stopped) timer = clock.after(tickMilliseconds, () => void tick())
  }

  async function rotateLogs(): Promise<void> {
    for (const uid of view.podUids()) {
      for (const { id, state, logPath } of view.observe(uid).containers) {
        if (state === 'running' && logPath) await rotateLog({ runtime, clock, id, logPath, ...logLimits })
      }
    }
  }

  async function watchPressure(): Promise<void> {
    imageDirectory ??= (await runtime.imageFilesystem().catch(() => undefined))?.mountpoint
    const before = pressure
    pressure = await readPressure(directories.root, imageDirectory)
    if (before.memory !== pressure.memory || before.disk !== pressure.disk) options.onPressure()
    if (pressure.disk && !before.disk) {
      recorder.node('Warning', 'EvictionThresholdMet', 'Attempting to reclaim ephemeral-storage')
      await removeDead({ runtime, view, containerLogs: directories.containerLogs })
      await images.collect()
    }
    if (pressure.memory) await evictOne()
  }

  async function evictOne(): Promise<void> {
    recorder.node('Warning', 'EvictionThresholdMet', 'Attempting to reclaim memory')
    const stats = await runtime.containerStats()
    const users = (options.pods()?.all() ?? []).map((worker) => {
      const ids = new Set(view.observe(worker.uid).containers.map(({ id }) => id))
      return { pod: worker.pod(), usedBytes: stats.filter((s) => ids.has(s.containerId)).reduce((sum, s) => sum + s.memoryWorkingSetBytes, 0) }
    })
    const pod = firstToEvict(users)
    if (!pod) return
    const message = `The node was low on resource: memory. Threshold quantity: 100Mi, available: ${Math.floor(pressure.memoryAvailableBytes / 1024)}Ki. `
    recorder.pod(pod, 'Warning', 'Evicted', message)
    options.pods()?.find(pod.metadata.uid)?.fail({ reason: 'Evicted', message }, 0)
  }

  timer = clock.after(tickMilliseconds, () => void tick())
  return {
    pressure: () => pressure,
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

function usedImages(view: RuntimeView): ReadonlySet<string> {
  return new Set(view.podUids().flatMap((uid) => view.observe(uid).containers.flatMap(({ image, imageId, imageRef }) => [image, imageId, imageRef])))
}
