// Housekeeping on one slow timer: eviction, logs, dead containers, images, what pods left behind.
import type { Timer } from '../../base/clock.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { createEvictions } from '../eviction/evictions.ts'
import type { PressureCondition } from '../eviction/thresholds.ts'
import type { Pods } from '../pod/pods.ts'
import type { PodServices } from '../pod/services.ts'
import { mayRun } from '../runtime/observed.ts'
import type { RuntimeView } from '../runtime/view.ts'
import type { KubeletSettings } from '../settings/settings.ts'
import { removeDead } from './dead-containers.ts'
import { createImageCollector } from './image-collector.ts'
import { rotateLog } from './log-rotation.ts'
import { createOomWatch } from './system-oom.ts'

export interface Collector {
  /** Of the node. */
  conditions(): readonly PressureCondition[]
  stop(): void
}

interface CollectorOptions extends Pick<PodServices, 'runtime' | 'view' | 'cgroups' | 'clock' | 'log' | 'recorder' | 'directories'> {
  settings: KubeletSettings
  volumesRoot: string
  pods: Pods
  holdsVolumes(uid: string): boolean
  /** A condition of the node has come or gone. */
  onPressure(): void
}

/** While something is short. */
const pressedMilliseconds = 5000
/** Soon: the machine may be short already. */
const firstMilliseconds = 1000
const every = { logs: 15_000, dead: 60_000, images: 300_000, orphans: 300_000 }

export function startCollector(options: CollectorOptions): Collector {
  const { settings, runtime, view, clock, log, recorder, directories, pods } = options
  const images = createImageCollector({ runtime, clock, recorder, settings: settings.images, used: () => usedImages(view) })
  const removeDeadOf = (everythingOf?: (uid: string) => boolean) =>
    removeDead({ runtime, view, containerLogs: directories.containerLogs, settings: settings.deadContainers, since: clock.since, everythingOf })
  const evictions = createEvictions({
    settings: settings.eviction, storageLimits: settings.storageLimits, runtime, view, cgroups: options.cgroups, clock, log, recorder, root: directories.root, volumesRoot: options.volumesRoot,
    pods: pods.all, holdsVolumes: options.holdsVolumes, onChange: options.onPressure,
    reclaim: { deadContainers: () => removeDeadOf(hasEnded), unusedImages: images.removeUnused },
  })
  let timer: Timer | undefined
  let stopped = false

  const began = clock.monotonic()
  const ooms = createOomWatch(recorder)
  const jobs: { every: number; dueAt: number; failed: string; run(): Promise<unknown> }[] = [
    { every: 0, dueAt: 0, failed: 'pressure not handled', run: relieve },
    { every: 0, dueAt: 0, failed: 'kernel log not read', run: ooms.look },
    { every: every.logs, dueAt: began + every.logs, failed: 'logs not rotated', run: rotateLogs },
    { every: every.dead, dueAt: began + every.dead, failed: 'dead containers not removed', run: collectDead },
    { every: every.images, dueAt: 0, failed: 'images not collected', run: images.collect },
    { every: every.orphans, dueAt: began + every.orphans, failed: 'orphans not removed', run: pods.removeOrphans },
  ]

  async function tick(): Promise<void> {
    for (const job of jobs) {
      if (stopped || clock.monotonic() < job.dueAt) continue
      job.dueAt = clock.monotonic() + job.every
      await job.run().catch((error: Error) => log.warn(job.failed, { error }))
    }
    arm()
  }

  function arm(): void {
    const { housekeepingMilliseconds } = settings
    if (!stopped) timer = clock.after(evictions.conditions().length > 0 ? Math.min(pressedMilliseconds, housekeepingMilliseconds) : housekeepingMilliseconds, () => void tick())
  }

  async function relieve(): Promise<void> {
    while (!stopped && (await evictions.check()));
  }

  async function collectDead(): Promise<void> {
    await removeDeadOf().catch((error: Error) => {
      recorder.node('Warning', 'ContainerGCFailed', error.message)
      throw error
    })
  }

  function hasEnded(uid: string): boolean {
    const worker = pods.find(uid)
    return worker !== undefined && isTerminalPhase(worker.status().phase) && !view.observe(uid).containers.some(mayRun)
  }

  async function rotateLogs(): Promise<void> {
    for (const uid of view.podUids()) {
      for (const { id, state, logPath } of view.observe(uid).containers) {
        if (state === 'running' && logPath) await rotateLog({ runtime, clock, id, logPath, ...settings.logs })
      }
    }
  }

  timer = clock.after(firstMilliseconds, () => void tick())
  return {
    conditions: evictions.conditions,
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

function usedImages(view: RuntimeView): ReadonlySet<string> {
  const containers = view.podUids().flatMap((uid) => view.observe(uid).containers)
  return new Set(containers.flatMap(({ image, imageId, imageRef, mounts }) => [image, imageId, imageRef, ...mounts.flatMap((mount) => (mount.image ? [mount.image] : []))]))
}
