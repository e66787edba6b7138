// The pod worker's mind: from what is there to one round of steps and the time of the next look. Pure; all memory it uses comes in `World`.
import { latest, mayRun, type Observed } from '../runtime/observed.ts'
import { actionsFor } from './actions.ts'
import type { ReadProbe } from './init-actions.ts'
import type { Resize } from './resize.ts'
import { containerRetryKey, laneOf, retryKey, type Step } from './steps.ts'
import { isSidecar, podFullName, type AgentPod, type PodContainer } from './types.ts'
import { goDuration } from './backoff.ts'

export interface Ending {
  /** Seconds that containers get to end by themselves. */
  graceSeconds: number
  /** The object shall be deleted, or is gone already: nothing of the pod is kept. */
  deleted: boolean
  /** The API no longer has the pod. */
  gone: boolean
}

export interface World {
  readonly observed: Observed
  /** On the monotonic clock, as every other instant here. */
  readonly now: number
  /** Wall time, as the runtime tells it, on the monotonic clock. */
  instant(wall: number): number
  /** Lanes in which a step is under way. */
  readonly busy: ReadonlySet<string>
  /** Containers that the step under way starts. */
  readonly starting: ReadonlySet<string>
  readonly volumesReady: boolean
  /** Volumes, cgroups and directories of the pod still exist. */
  readonly resourcesHeld: boolean
  /** The pod shall stop; absent while it shall run. */
  readonly ending?: Ending
  /** The final status has reached the API server. */
  readonly finalStatusWritten: boolean
  readonly probe: ReadProbe
  /** Milliseconds to wait since the exit at `eventAt`. */
  backoff(containerName: string, eventAt: number): number
  /** Before this instant what failed under this key (`retryKey`, `containerRetryKey`) is not tried again; 0 when nothing failed. */
  retryAt(key: string): number
  /** Containers whose resources differ from those of the spec. */
  readonly toResize: readonly Resize[]
}

interface CrashLoop {
  name: string
  message: string
}

interface Plan {
  steps: Step[]
  /** When to look again if nothing happens before. */
  wakeAt?: number
  crashLoops: CrashLoop[]
  /** Nothing is left to do for this pod, ever. */
  finished: boolean
}

export function plan(pod: AgentPod, world: World): Plan {
  const draft: Plan = { steps: [], crashLoops: [], finished: false }
  if (world.ending) planEnd(pod, world, world.ending, draft)
  else planRun(pod, world, draft)
  draft.steps = draft.steps.filter((step) => !world.busy.has(laneOf(step)) && isDue(world, draft, retryKey(step)))
  return draft
}

function planRun(pod: AgentPod, world: World, draft: Plan): void {
  const { observed } = world
  const actions = actionsFor(pod, observed, world.probe)
  if (!world.volumesReady) draft.steps.push({ do: 'prepare-volumes' })
  if (actions.killPod) {
    const running = observed.containers.filter(mayRun)
    for (const container of running) draft.steps.push(killStep(pod, observed, container.id, container.name))
    for (const sandbox of observed.sandboxes) if (running.length === 0 && sandbox.ready) draft.steps.push({ do: 'stop-sandbox', id: sandbox.id })
    const quiet = running.length === 0 && observed.sandboxes.every((s) => !s.ready)
    if (!quiet || !actions.sandbox.create) return
  }
  for (const { container, message, reason } of actions.kill) {
    draft.steps.push({ do: 'kill-container', id: container.id, name: container.name, message, reason, after: [] })
  }
  if (actions.sandbox.create) {
    const volumesFailed = !world.volumesReady && world.retryAt('prepare-volumes') > 0
    if (!volumesFailed) draft.steps.push({ do: 'run-sandbox', attempt: actions.sandbox.attempt, replaces: actions.sandbox.current !== undefined })
    return
  }
  for (const { id, name, restart } of world.toResize) {
    if (restart) draft.steps.push({ do: 'kill-container', id, name, message: `Container ${name} resize requires restart`, reason: 'Unknown', after: [] })
    else draft.steps.push({ do: 'update-resources', id, name })
  }
  if (!world.volumesReady) return
  const due = actions.start.filter((container) => mayStart(pod, container, world, draft))
  if (due.length > 0) draft.steps.push({ do: 'start-containers', sandboxId: actions.sandbox.current!.id, containers: due })
}

function mayStart(pod: AgentPod, { spec }: PodContainer, world: World, draft: Plan): boolean {
  const { observed, now } = world
  const current = latest(observed, spec.name)
  if (world.starting.has(spec.name) || (current && mayRun(current))) return false
  const exited = observed.containers.find((c) => c.name === spec.name && c.state === 'exited')
  const exitedAt = exited ? world.instant(exited.finishedAt) : 0
  const delay = exited ? world.backoff(spec.name, exitedAt) : 0
  // without a delay the end itself may lie a moment ahead: the wall clock counts whole milliseconds
  if (delay > 0 && exitedAt + delay > now) {
    const message = `back-off ${goDuration(delay)} restarting failed container=${spec.name} pod=${podFullName(pod)}`
    draft.crashLoops.push({ name: spec.name, message })
    wakeAt(draft, exitedAt + delay)
    return false
  }
  return isDue(world, draft, containerRetryKey(spec.name))
}

function isDue(world: World, draft: Plan, key: string): boolean {
  const at = world.retryAt(key)
  if (at <= world.now) return true
  wakeAt(draft, at)
  return false
}

function wakeAt(draft: Plan, at: number): void {
  draft.wakeAt = draft.wakeAt === undefined ? at : Math.min(draft.wakeAt, at)
}

/** Restartable init containers end after the containers they serve, the last one first (source: KEP-753). */
function killStep(pod: AgentPod, observed: Observed, id: string, name: string, graceSeconds?: number): Step {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name)
  const index = sidecars.indexOf(name)
  const earlier = (other: string) => pod.spec.containers.some((c) => c.name === other) || sidecars.indexOf(other) > index
  const after = index < 0 ? [] : observed.containers.filter((c) => mayRun(c) && earlier(c.name)).map((c) => c.id)
  return { do: 'kill-container', id, name, message: `Stopping container ${name}`, reason: 'Unknown', graceSeconds, after }
}

function planEnd(pod: AgentPod, world: World, ending: Ending, draft: Plan): void {
  const { observed, busy } = world
  for (const container of observed.containers.filter(mayRun)) {
    draft.steps.push(killStep(pod, observed, container.id, container.name, ending.graceSeconds))
  }
  const settling = busy.has('start') || busy.has('sandbox') || draft.steps.length > 0
  if (settling || [...busy].some((lane) => lane.startsWith('kill/'))) return
  for (const sandbox of observed.sandboxes) if (sandbox.ready) draft.steps.push({ do: 'stop-sandbox', id: sandbox.id })
  if (draft.steps.length > 0 || [...busy].some((lane) => lane.startsWith('sandbox/'))) return
  if (world.resourcesHeld) {
    draft.steps.push({ do: 'release-resources' })
    return
  }
  if (!ending.deleted) {
    draft.finished = true
    return
  }
  if (!ending.gone) {
    if (world.finalStatusWritten) draft.steps.push({ do: 'delete-pod' })
    return
  }
  for (const { id } of observed.containers) draft.steps.push({ do: 'remove-container', id })
  if (observed.containers.length === 0) for (const { id } of observed.sandboxes) draft.steps.push({ do: 'remove-sandbox', id })
  draft.finished = observed.containers.length === 0 && observed.sandboxes.length === 0
}
