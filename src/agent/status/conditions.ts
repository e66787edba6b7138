// The conditions the agent owns (source: k8s.io/kubernetes pkg/kubelet/status). Those of others are kept as they are.
import type { Container, ContainerStatus, PodCondition } from '../../api/generated/types.ts'
import { isSidecar, type AgentPod } from '../pod/types.ts'

const ownedConditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'] as const
type OwnedCondition = (typeof ownedConditions)[number]

const resizeConditions = ['PodResizePending', 'PodResizeInProgress']

const isDisruption = ({ type, reason }: PodCondition) => type === 'DisruptionTarget' && reason === 'TerminationByKubelet'

export const isOwned = (condition: PodCondition): boolean =>
  (ownedConditions as readonly string[]).includes(condition.type) || resizeConditions.includes(condition.type) || isDisruption(condition)

interface ConditionInput {
  pod: AgentPod
  phase: string
  /** Init and regular ones. */
  statuses: readonly ContainerStatus[]
  old: readonly PodCondition[]
  readyToStart: boolean
  resize?: { type: string; reason: string; message: string }
  /** Why the node ended the pod, where it did so for the sake of others. */
  disruption?: string
  /** RFC 3339. */
  now: string
}

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>

const yes: Verdict = { status: 'True' }
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, ...(message ? { message } : {}) })
const names = (list: readonly string[]) => `[${list.join(' ')}]`

export function conditionsOf(input: ConditionInput): PodCondition[] {
  const others = input.old.filter((c) => !isOwned(c))
  const containersReady = judgeContainers(input)
  const verdicts: Record<OwnedCondition, Verdict> = {
    PodReadyToStartContainers: { status: input.readyToStart ? 'True' : 'False' },
    Initialized: judgeInitialized(input),
    Ready: containersReady.status === 'True' ? judgeGates(input) : containersReady,
    ContainersReady: containersReady,
    PodScheduled: yes,
  }
  const { resize } = input
  const resizing = resize ? [dated(input, resize.type, { status: 'True', ...(resize.reason ? { reason: resize.reason, message: resize.message } : {}) })] : []
  const disrupted = disruptionOf(input)
  return [...disrupted, ...resizing, ...ownedConditions.map((type) => dated(input, type, verdicts[type])), ...others.filter(({ type }) => !disrupted.some((own) => own.type === type))]
}

function dated({ pod, old, now }: ConditionInput, type: string, verdict: Verdict): PodCondition {
  const before = old.find((c) => c.type === type)
  const lastTransitionTime = before?.status === verdict.status ? (before.lastTransitionTime ?? now) : now
  const observedGeneration = pod.metadata.generation
  return { type, ...(observedGeneration ? { observedGeneration } : {}), ...verdict, lastTransitionTime }
}

/** Kept once it was told. */
function disruptionOf(input: ConditionInput): PodCondition[] {
  const { disruption: message } = input
  if (message === undefined) return input.old.filter(isDisruption)
  return [dated(input, 'DisruptionTarget', { status: 'True', reason: 'TerminationByKubelet', message })]
}

function judgeContainers({ pod, phase, statuses }: ConditionInput): Verdict {
  const unknown: string[] = []
  const unready: string[] = []
  const count = (container: Container) => {
    const status = statuses.find((s) => s.name === container.name)
    if (!status) unknown.push(container.name)
    else if (!status.ready) unready.push(container.name)
  }
  pod.spec.initContainers?.filter(isSidecar).forEach(count)
  pod.spec.containers.forEach(count)
  if (phase === 'Succeeded' && unknown.length === 0) return no('PodCompleted')
  if (phase === 'Failed') return no('PodFailed')
  const messages = [
    ...(unknown.length ? [`containers with unknown status: ${names(unknown)}`] : []),
    ...(unready.length ? [`containers with unready status: ${names(unready)}`] : []),
  ]
  return messages.length ? no('ContainersNotReady', messages.join(', ')) : yes
}

function judgeGates({ pod, old }: ConditionInput): Verdict {
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = old.find((c) => c.type === conditionType)
    if (!condition) return [`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`]
    if (condition.status !== 'True') return [`the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${condition.status}`]
    return []
  })
  return messages.length ? no('ReadinessGatesNotReady', messages.join(', ')) : yes
}

function judgeInitialized({ pod, phase, statuses }: ConditionInput): Verdict {
  const unknown: string[] = []
  const incomplete: string[] = []
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find((s) => s.name === container.name)
    if (!status) unknown.push(container.name)
    else if (isSidecar(container) ? !status.started : !status.ready) incomplete.push(container.name)
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' }
  const regularStarted = pod.spec.containers.some(({ name }) => {
    const status = statuses.find((s) => s.name === name)
    return status !== undefined && (status.state?.running ?? status.state?.terminated ?? status.lastState?.terminated) !== undefined
  })
  if (regularStarted) return yes
  const messages = [
    ...(unknown.length ? [`containers with unknown status: ${names(unknown)}`] : []),
    ...(incomplete.length ? [`containers with incomplete status: ${names(incomplete)}`] : []),
  ]
  return messages.length ? no('ContainersNotInitialized', messages.join(', ')) : yes
}
