// What a pod that shall run needs now, apart from time: which sandbox, which containers to start, which to kill.
import { containerHash } from '../container/labels.ts'
import { anyRegularCreated, hashOf, latest, sandboxNeed, type Observed, type SandboxNeed } from '../runtime/observed.ts'
import { initActions, type Kill, type ReadProbe } from './init-actions.ts'
import { restartsAfter, restartsAfterKill } from './restart.ts'
import { ephemeralContainers, initContainers, regularContainers, type AgentPod, type PodContainer } from './types.ts'

interface Actions {
  sandbox: SandboxNeed
  /** Nothing is left to run: sandbox and all containers go. */
  killPod: boolean
  start: PodContainer[]
  kill: Kill[]
}

export function actionsFor(pod: AgentPod, observed: Observed, probe: ReadProbe): Actions {
  const sandbox = sandboxNeed(pod, observed)
  return sandbox.create ? withoutSandbox(pod, observed, sandbox) : withSandbox(pod, observed, sandbox, probe)
}

function withoutSandbox(pod: AgentPod, observed: Observed, sandbox: SandboxNeed): Actions {
  const nothing: Actions = { sandbox: { ...sandbox, create: false }, killPod: true, start: [], kill: [] }
  const neverRestarts = pod.spec.restartPolicy === 'Never'
  if (neverRestarts && sandbox.attempt !== 0 && observed.containers.length > 0) return nothing
  const start = regularContainers(pod).filter(({ spec }) => {
    const onFailure = (spec.restartPolicy ?? pod.spec.restartPolicy) === 'OnFailure'
    const status = latest(observed, spec.name)
    return !(onFailure && status?.state === 'exited' && status.exitCode === 0)
  })
  if (start.length === 0 && anyRegularCreated(pod, observed)) return nothing
  const first = initContainers(pod)[0]
  return { sandbox, killPod: sandbox.current !== undefined, start: first ? [first] : start, kill: [] }
}

/** Init containers that ran in an earlier sandbox count for nothing: they run again. */
const inSandbox = (observed: Observed, id: string | undefined): Observed => ({ ...observed, containers: observed.containers.filter((c) => c.sandboxId === id) })

function withSandbox(pod: AgentPod, observed: Observed, sandbox: SandboxNeed, probe: ReadProbe): Actions {
  const start = ephemeralContainers(pod).filter(({ spec }) => !latest(observed, spec.name))
  const init = initActions(pod, inSandbox(observed, sandbox.current?.id), probe)
  const kill = [...init.kill]
  if (init.failed) return { sandbox, killPod: true, start: [], kill }
  start.push(...init.start)
  if (!init.initialized) return { sandbox, killPod: false, start, kill }
  let alive = 0
  for (const container of regularContainers(pod)) {
    const { spec } = container
    const status = latest(observed, spec.name)
    if (!status || status.state === 'created') {
      start.push(container)
      alive++
    } else if (status.state === 'running') {
      const why = reasonToKill(container, status.id, hashOf(status), probe)
      if (!why) {
        alive++
        continue
      }
      const restart = why.changed || restartsAfterKill(spec, pod.spec)
      if (restart) alive++
      kill.push({ container: status, message: restart ? `${why.message}, will be restarted` : why.message, reason: why.reason })
    } else if (status.state === 'unknown' || restartsAfter(spec, pod.spec, status.exitCode)) {
      alive++
      start.push(container)
      if (status.state === 'unknown') {
        kill.push({ container: status, message: 'Container is in "unknown" state, try killing it before restart', reason: 'Unknown' })
      }
    }
  }
  return alive === 0 ? { sandbox, killPod: true, start: [], kill } : { sandbox, killPod: false, start, kill }
}

function reasonToKill({ spec }: PodContainer, id: string, hash: string, probe: ReadProbe) {
  if (hash !== containerHash(spec)) return { message: `Container ${spec.name} definition changed`, reason: 'Unknown' as const, changed: true }
  if (probe(id, 'liveness') === 'failure') return { message: `Container ${spec.name} failed liveness probe`, reason: 'LivenessProbe' as const, changed: false }
  if (probe(id, 'startup') === 'failure') return { message: `Container ${spec.name} failed startup probe`, reason: 'StartupProbe' as const, changed: false }
  return undefined
}
