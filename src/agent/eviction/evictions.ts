// Keeps the node alive when memory, disk or process ids run short: looks, gives back what nobody needs, and when that is not enough ends one pod,
// waits until it is gone and looks again. Pods that exceed their own limits on disk are ended here too.
import { sleep } from '../../base/clock.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import type { PodServices } from '../pod/services.ts'
import type { PodWorker } from '../pod/worker.ts'
import { isCritical, podFullName, type AgentPod } from '../pod/types.ts'
import { mayRun } from '../runtime/observed.ts'
import type { EvictionSettings, StorageLimitSettings } from '../settings/settings.ts'
import { measurePods } from './measure.ts'
import { evictionMessage } from './message.ts'
import { isSeparate, observe } from './observe.ts'
import { judgePressure, noPressure } from './pressure.ts'
import { rankForEviction } from './rank.ts'
import { exceededStorageLimit, hasStorageLimit } from './storage-limits.ts'
import { crossed, signals, type Observations, type PressureCondition, type Signal, type Threshold } from './thresholds.ts'

interface Evictions {
  /** One look; resolves to true when a pod was ended, so that another look is due at once. */
  check(): Promise<boolean>
  conditions(): readonly PressureCondition[]
}

interface EvictionOptions extends Pick<PodServices, 'runtime' | 'view' | 'cgroups' | 'clock' | 'log' | 'recorder'> {
  settings: EvictionSettings
  storageLimits: StorageLimitSettings
  /** State of pods, and the volumes below it. */
  root: string
  volumesRoot: string
  pods(): readonly PodWorker[]
  /** Something of the pod is still held: volumes, cgroups. */
  holdsVolumes(uid: string): boolean
  reclaim: { deadContainers(): Promise<unknown>; unusedImages(): Promise<unknown> }
  /** A condition has come or gone. */
  onChange(): void
}

const immediateGraceSeconds = 1
const cleanUp = { mostMilliseconds: 30_000, lookMilliseconds: 200 }
/** A walk over a large volume is repeated so seldom that it takes at most this part of the time. */
const measuringShare = 1 / 10

export function createEvictions(options: EvictionOptions): Evictions {
  const { settings, storageLimits, view, clock, log, recorder, root } = options
  let state = noPressure
  let conditions: readonly PressureCondition[] = []
  let places: { root: string; images: string | undefined } = { root, images: undefined }
  let separateImages = false
  let measureAt = 0
  let stuck = false

  async function findPlaces(): Promise<void> {
    if (places.images) return
    const images = (await options.runtime.imageFilesystem().catch(() => undefined))?.mountpoint
    if (!images) return
    places = { root, images }
    separateImages = await isSeparate(places)
  }

  async function check(): Promise<boolean> {
    await findPlaces()
    const observations = await observe(places)
    const verdict = judgePressure({ state, thresholds: settings.thresholds, observations, now: clock.monotonic(), transitionMilliseconds: settings.transitionMilliseconds })
    state = verdict.state
    const changed = verdict.conditions.length !== conditions.length || verdict.conditions.some((condition) => !conditions.includes(condition))
    conditions = verdict.conditions
    if (changed) options.onChange()
    const overLimit = await evictOverLimit()
    if (overLimit.length > 0) return cleanedUp(overLimit)
    const [threshold] = verdict.met
    if (!threshold) return false
    const starved = signals[threshold.signal].resource
    recorder.node('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${starved}`)
    if (await reclaimed(threshold.signal)) return false
    const evicted = await evictOne(threshold, verdict.met, observations)
    return evicted ? cleanedUp([evicted]) : false
  }

  /** Dead containers and unused images lie where images lie. @returns whether nothing is short any more. */
  async function reclaimed(signal: Signal): Promise<boolean> {
    const helps = separateImages ? signal.startsWith('imagefs') : signals[signal].condition === 'DiskPressure'
    if (!helps) return false
    await options.reclaim.deadContainers().catch((error: Error) => log.warn('dead containers not removed', { error }))
    await options.reclaim.unusedImages().catch((error: Error) => log.warn('unused images not removed', { error }))
    return crossed(settings.thresholds, await observe(places), { reclaiming: true }).length === 0
  }

  const active = () => options.pods().filter((worker) => !worker.isEnding() && !isTerminalPhase(worker.status().phase))

  const measure = (pods: readonly AgentPod[], wanted: { disk?: boolean; processes?: boolean }) => measurePods(options, pods, wanted)

  async function evictOne(threshold: Threshold, met: readonly Threshold[], observations: Observations): Promise<PodWorker | undefined> {
    const { condition, resource } = signals[threshold.signal]
    const workers = active().filter((worker) => !isCritical(worker.pod()))
    const usages = await measure(workers.map((worker) => worker.pod()), { disk: condition === 'DiskPressure', processes: condition === 'PIDPressure' })
    const candidates = workers.map((worker) => ({ worker, pod: worker.pod(), usage: usages.get(worker.uid) }))
    const first = rankForEviction(candidates, threshold.signal, { separateImages })[0]
    const worker = first && workers.find(({ uid }) => uid === first.pod.metadata.uid)
    if (!worker) {
      if (!stuck) log.warn('the node is short and no pod can be evicted', { resource })
      stuck = true
      return undefined
    }
    stuck = false
    const { message, annotations } = evictionMessage(first.pod, first.usage, resource, met, observations)
    evict(worker, { message, annotations, graceSeconds: graceOf(threshold, first.pod), disruption: true })
    return worker
  }

  function graceOf({ graceMilliseconds }: Threshold, { spec }: AgentPod): number {
    if (graceMilliseconds === 0) return immediateGraceSeconds
    return Math.min(settings.maxPodGraceSeconds, spec.terminationGracePeriodSeconds ?? settings.maxPodGraceSeconds)
  }

  async function evictOverLimit(): Promise<PodWorker[]> {
    const limited = storageLimits.enabled ? active().filter((worker) => hasStorageLimit(worker.pod())) : []
    if (limited.length === 0 || clock.monotonic() < measureAt) return []
    const began = clock.monotonic()
    const usages = await measure(limited.map((worker) => worker.pod()), { disk: true })
    const took = clock.monotonic() - began
    measureAt = began + Math.max(storageLimits.measureMilliseconds, took / measuringShare)
    return limited.filter((worker) => {
      const usage = usages.get(worker.uid)
      const message = usage && !isCritical(worker.pod()) ? exceededStorageLimit(worker.pod(), usage, { separateImages }) : undefined
      if (message) evict(worker, { message, annotations: {}, graceSeconds: immediateGraceSeconds, disruption: false })
      return message !== undefined
    })
  }

  function evict(worker: PodWorker, { message, annotations, graceSeconds, disruption }: { message: string; annotations: Record<string, string>; graceSeconds: number; disruption: boolean }): void {
    log.warn('a pod is evicted', { pod: podFullName(worker.pod()), message })
    recorder.pod(worker.pod(), 'Warning', 'Evicted', message, annotations)
    worker.fail({ reason: 'Evicted', message, disruption }, graceSeconds)
  }

  /** Evicting the next one before the last has let go would take more than needed. */
  async function cleanedUp(workers: readonly PodWorker[]): Promise<true> {
    const until = clock.monotonic() + cleanUp.mostMilliseconds
    const held = ({ uid }: PodWorker) => view.observe(uid).containers.some(mayRun) || options.holdsVolumes(uid)
    while (workers.some(held) && clock.monotonic() < until) await sleep(clock, cleanUp.lookMilliseconds)
    return true
  }

  return { check, conditions: () => conditions }
}
