// One pod: observe, plan, one round of steps, observe again. What it remembers is only why something failed and when to try again.
import type { Timer } from '../../base/clock.ts'
import type { StatusWriter } from '../status/writer.ts'
import { podStatus, type Failed } from '../status/pod-status.ts'
import type { Reason } from '../status/container-statuses.ts'
import { latest, mayRun } from '../runtime/observed.ts'
import { StartError } from '../start-error.ts'
import { same } from '../values.ts'
import { createBackoff, goDuration } from './backoff.ts'
import { execute } from './execute.ts'
import type { ReadProbe } from './init-actions.ts'
import { plan, type Ending, type World } from './plan.ts'
import type { PodServices } from './services.ts'
import { containerRetryKey, laneOf, retryKey, type Step } from './steps.ts'
import { isTerminalPhase } from '../../api/pod-phase.ts'
import { podFullName, terminationGrace, type AgentPod } from './types.ts'
import { VolumeError } from '../volumes/volume.ts'
import type { PodStatus, ResourceRequirements } from '../../api/generated/types.ts'
import { resizesOf, withApplied, type ResizePending } from './resize.ts'

export interface PodWorker {
  readonly uid: string
  pod(): AgentPod
  /** With the resources it was granted, which differ from those it asks for while a resize has to wait. */
  allocated(): AgentPod
  status(): PodStatus
  /** The API has a newer state of the pod. */
  update(pod: AgentPod): void
  /** The API no longer has the pod. */
  gone(): void
  /** Something about the pod may have changed. */
  wake(): void
  /** What failed is to be tried at once. */
  retryNow(key: string): void
  /** Stops the pod for good, with this as its end. */
  fail(why: Failed, graceSeconds: number): void
  /** It shall stop, or has stopped, for good. */
  isEnding(): boolean
  stop(): void
}

interface PodWorkerOptions {
  pod: AgentPod
  services: PodServices
  statuses: StatusWriter
  probe: ReadProbe
  /** The pod's containers may have changed: probes follow them. */
  onRound(pod: AgentPod, status: PodStatus, ending: boolean): void
  /** Why the node has no room for the resources the pod asks for now. */
  resizePending(pod: AgentPod): ResizePending | undefined
  /** Nothing of the pod is left anywhere. */
  onFinished(uid: string): void
}

interface Failure {
  reason?: Reason
  retryAt: number
  count: number
}

const sandboxRetry = { first: 1000, most: 10_000 }
const volumeRetry = { first: 500, most: 122_000 }
const otherRetry = { first: 500, most: 30_000 }
const resizeRetryMilliseconds = 30_000

export function createPodWorker(options: PodWorkerOptions): PodWorker {
  const { services, statuses } = options
  const { clock, view, volumes, log, recorder } = services
  const { uid } = options.pod.metadata
  const lanes = new Set<string>()
  let starting: ReadonlySet<string> = new Set()
  const failures = new Map<string, Failure>()
  const backoff = createBackoff()
  const announced = new Map<string, string>()
  const applied = new Map<string, ResourceRequirements>()
  let pod = options.pod
  let allocated = pod
  let gone = false
  let failed: Failed | undefined
  let failGraceSeconds = 0
  let starts = new AbortController()
  let held = true
  let scheduled = false
  let stopped = false
  let timer: Timer | undefined

  const wake = () => {
    if (scheduled || stopped) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (!stopped) round()
    })
  }

  function ending(): Ending | undefined {
    const deleted = gone || pod.metadata.deletionTimestamp !== undefined
    if (deleted) return { graceSeconds: terminationGrace(pod), deleted, gone }
    if (failed) return { graceSeconds: failGraceSeconds, deleted, gone }
    if (isTerminalPhase(statuses.last(pod).phase)) return { graceSeconds: terminationGrace(pod), deleted, gone }
    return undefined
  }

  function round(): void {
    const observed = view.observe(uid)
    const end = ending()
    const deadline = checkDeadline(end)
    if (end && !starts.signal.aborted) starts.abort(new Error('the pod ends'))
    const resizes = end ? [] : resizesOf(pod, observed, applied)
    const pending = resizes.length > 0 ? options.resizePending(pod) : undefined
    allocated = pending ? withApplied(pod, observed, applied) : pod
    const world: World = {
      observed, now: clock.monotonic(), instant, busy: lanes, starting, volumesReady: volumes.of(uid) !== undefined, resourcesHeld: held, ending: end,
      finalStatusWritten: statuses.written(uid), probe: options.probe, toResize: pending ? [] : resizes,
      backoff: (name, eventAt) => backoff.delay(name, eventAt),
      retryAt: (key) => failures.get(key)?.retryAt ?? 0,
    }
    const next = plan(pod, world)
    const reasons = new Map<string, Reason>()
    for (const [key, { reason }] of failures) if (reason) reasons.set(key.slice(containerRetryKey('').length), reason)
    for (const { name, message } of next.crashLoops) {
      reasons.set(name, { reason: 'CrashLoopBackOff', message })
      announceBackoff(name)
    }
    const terminal = end !== undefined && !observed.containers.some(mayRun) && !lanes.has('start') && !lanes.has('sandbox')
    const before = statuses.last(pod)
    const status = podStatus({
      pod, observed, old: before, reasons, probe: options.probe, now: clock.now(), runtimeName: services.runtimeName,
      hostIps: services.hostIps(), terminal, volumesReady: world.volumesReady, failed, applied,
      resize: pending ? { type: 'PodResizePending', ...pending } : resizes.length > 0 ? { type: 'PodResizeInProgress', reason: '', message: '' } : undefined,
    })
    if (!gone) statuses.set(pod, status)
    if (!end && isTerminalPhase(status.phase)) wake()
    options.onRound(pod, status, end !== undefined)
    next.steps.forEach(run)
    timer?.cancel()
    const again = Math.min(next.wakeAt ?? Infinity, deadline, pending ? clock.monotonic() + resizeRetryMilliseconds : Infinity)
    if (again !== Infinity) timer = clock.after(Math.max(0, again - clock.monotonic()) + 1, wake)
    if (gone && next.finished && lanes.size === 0) options.onFinished(uid)
  }

  /** Jumps of the wall clock neither shorten nor prolong what counts from a wall time. */
  const instant = (wall: number) => clock.monotonic() - clock.since(wall)

  /** @returns when the pod's time is over. */
  function checkDeadline(end: Ending | undefined): number {
    const { activeDeadlineSeconds } = pod.spec
    const { startTime } = statuses.last(pod)
    if (end || failed || activeDeadlineSeconds === undefined || !startTime) return Infinity
    const deadline = instant(Date.parse(startTime)) + activeDeadlineSeconds * 1000
    if (deadline > clock.monotonic()) return deadline
    recorder.pod(pod, 'Normal', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline')
    failed = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }
    failGraceSeconds = terminationGrace(pod)
    wake()
    return Infinity
  }

  /** Once for each exit. */
  function announceBackoff(name: string): void {
    const exit = latest(view.observe(uid), name)?.id ?? ''
    if (announced.get(name) === exit) return
    announced.set(name, exit)
    const container = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find((c) => c.name === name)
    if (!container) return
    const kind = pod.spec.containers.includes(container) ? 'regular' : 'init'
    recorder.container(pod, { kind, spec: container }, 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podFullName(pod)}`)
  }

  function run(step: Step): void {
    const lane = laneOf(step)
    lanes.add(lane)
    if (step.do === 'start-containers') {
      const { containers } = view.observe(uid)
      starting = new Set(step.containers.map((c) => c.spec.name))
      for (const { spec } of step.containers) {
        const exited = containers.find((c) => c.name === spec.name && c.state === 'exited')
        if (exited) backoff.next(spec.name, instant(exited.finishedAt), clock.monotonic())
      }
    }
    const execution = {
      pod, signal: starts.signal,
      started: (name: string) => void failures.delete(containerRetryKey(name)),
      resized: (id: string, resources: ResourceRequirements) => void applied.set(id, resources),
      startFailed: (name: string, error: Error) => remember(containerRetryKey(name), error),
      gone: () => void (gone = true),
    }
    execute(services, step, execution).then(() => succeeded(step), (error: Error) => remember(retryKey(step), error, step)).finally(() => {
      lanes.delete(lane)
      if (step.do === 'start-containers') starting = new Set()
      wake()
    })
  }

  function succeeded(step: Step): void {
    failures.delete(retryKey(step))
    if (step.do === 'release-resources') held = false
    // what failed in the sandbox before says nothing of this one
    if (step.do === 'run-sandbox') for (const key of failures.keys()) if (key.startsWith(containerRetryKey(''))) failures.delete(key)
  }

  function remember(key: string, error: Error, step?: Step): void {
    const now = clock.monotonic()
    const count = (failures.get(key)?.count ?? 0) + 1
    const after = ({ first, most }: typeof sandboxRetry) => now + Math.min(first * 2 ** (count - 1), most)
    if (error instanceof StartError) {
      failures.set(key, { reason: { reason: error.reason, message: error.message }, retryAt: error.retryAt, count })
      return
    }
    const policy = step?.do === 'prepare-volumes' ? volumeRetry : step?.do === 'run-sandbox' ? sandboxRetry : otherRetry
    failures.set(key, { retryAt: after(policy), count })
    if (error instanceof VolumeError) recorder.pod(pod, 'Warning', 'FailedMount', error.message)
    else log.warn('step of a pod failed', { pod: podFullName(pod), step: step?.do ?? key, again: goDuration(failures.get(key)!.retryAt - now), error })
  }

  return {
    uid, wake,
    pod: () => pod,
    allocated: () => allocated,
    status: () => statuses.last(pod),
    update(newer) {
      const shown = !same(newer.metadata.labels, pod.metadata.labels) || !same(newer.metadata.annotations, pod.metadata.annotations)
      const changed = shown || newer.metadata.generation !== pod.metadata.generation
      pod = newer
      if (changed) volumes.update(newer)
      wake()
    },
    gone() {
      gone = true
      wake()
    },
    retryNow(key) {
      const failure = failures.get(key)
      if (failure) failure.retryAt = 0
      wake()
    },
    fail(why, graceSeconds) {
      failed ??= why
      failGraceSeconds = graceSeconds
      wake()
    },
    isEnding: () => ending() !== undefined,
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
