// What a pod must be, and what of it may change (source: pkg/apis/core/validation).
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { Container, NodeAffinity, Pod, PodSpec, Toleration } from '../../generated/types.ts'
import { isDnsSubdomain } from '../../names.ts'
import { changesText } from '../common/changes.ts'
import { equal } from '../common/equal.ts'
import { annotationsMatchFields, podAnnotations } from '../common/pod-spec/validation/annotations.ts'
import { imagePadding } from '../common/pod-spec/validation/containers.ts'
import { podSpec } from '../common/pod-spec/validation/spec.ts'
import { checked, type Findings, immutable, listed, qualifiedName, withinRange } from '../common/validation/findings.ts'
import { legacyIp } from '../common/validation/ip.ts'

const mirror = 'kubernetes.io/config.mirror'

function* tokensNeedAccount(spec: PodSpec): Findings {
  if (spec.serviceAccountName) return
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const [sourceIndex, source] of (volume.projected?.sources ?? []).entries()) {
      if (source.serviceAccountToken) {
        yield forbidden(`spec.volumes[${index}].projected.sources[${sourceIndex}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set')
      }
    }
  }
}

/** Ephemeral containers join a pod that runs. */
export const validatePodCreate = listed(function* ({ metadata, spec }: Pod): Findings {
  if (!spec) return
  if (spec.ephemeralContainers?.length) yield forbidden('spec.ephemeralContainers', 'cannot be set on create')
  if (spec.nodeName && spec.schedulingGates?.length) yield forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')
  yield* annotationsMatchFields('spec', metadata?.annotations, spec)
})

function* imageVolumes(spec: PodSpec): Findings {
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    if (volume.image && !volume.image.reference) yield required(`spec.volumes[${index}].image.reference`)
  }
}

export const validatePod = listed(function* (pod: Pod): Findings {
  yield* podAnnotations('metadata.annotations', pod.metadata?.annotations, pod.spec)
  const spec = pod.spec
  if (!spec) return yield required('spec.containers')
  yield* podSpec('spec', spec, { isPod: true, metadata: pod.metadata })
  yield* imageVolumes(spec)
  yield* tokensNeedAccount(spec)
  for (const [index, container] of (spec.containers ?? []).entries()) yield* imagePadding(`spec.containers[${index}]`, container)
  for (const [index, container] of (spec.initContainers ?? []).entries()) yield* imagePadding(`spec.initContainers[${index}]`, container)
})

function* mirrorUnchanged(draft: Pod, current: Pod): Findings {
  const [before, after] = [current.metadata?.annotations?.[mirror], draft.metadata?.annotations?.[mirror]]
  if (before === after) return
  yield forbidden(`metadata.annotations[${mirror}]`, before === undefined ? 'may not add mirror pod annotation' : 'may not remove or update mirror pod annotation')
}

function* deadline(draft: PodSpec, current: PodSpec): Findings {
  const [before, after] = [current.activeDeadlineSeconds, draft.activeDeadlineSeconds]
  const at = 'spec.activeDeadlineSeconds'
  if (after === undefined) {
    if (before !== undefined) yield invalid(at, null, 'must not update from a positive integer to nil value')
    return
  }
  yield* withinRange(at, after, [0, 2147483647])
  if (before !== undefined && before < after) yield invalid(at, after, 'must be less than or equal to previous value')
}

const withoutSeconds = ({ tolerationSeconds: _, ...toleration }: Toleration) => toleration

function* onlyAddedTolerations(draft: PodSpec, current: PodSpec): Findings {
  const kept = (current.tolerations ?? []).every((old) => draft.tolerations?.some((next) => equal(withoutSeconds(old), withoutSeconds(next))))
  if (!kept) yield forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')
}

function* onlyDeletedGates(draft: PodSpec, current: PodSpec): Findings {
  for (const [index, { name }] of (draft.schedulingGates ?? []).entries()) {
    if (!current.schedulingGates?.some((old) => old.name === name)) {
      yield forbidden(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`)
    }
  }
}

/** A gated pod may be narrowed down to fewer nodes. */
function* narrowedSelector(draft: PodSpec, current: PodSpec): Findings {
  const lost = Object.entries(current.nodeSelector ?? {}).some(([key, value]) => draft.nodeSelector?.[key] !== value)
  if (lost) yield invalid('spec.nodeSelector', draft.nodeSelector, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)')
}

function* narrowedAffinity(draft: NodeAffinity | undefined, current: NodeAffinity | undefined): Findings {
  const before = current?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const after = draft?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const at = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  if (before.length === 0) return
  if (before.length !== after.length) return yield invalid(at, after, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')
  const added = <T>(old: T[] = [], next: T[] = []) => next.length >= old.length && equal(next.slice(0, old.length), old)
  for (const [index, old] of before.entries()) {
    const next = after[index]!
    const wasEmpty = !old.matchExpressions?.length && !old.matchFields?.length
    const nowFilled = Boolean(next.matchExpressions?.length || next.matchFields?.length)
    if ((wasEmpty && nowFilled) || !added(old.matchExpressions, next.matchExpressions) || !added(old.matchFields, next.matchFields)) {
      yield invalid(`${at}[${index}]`, next, 'only additions are allowed (no mutations or deletions)')
    }
  }
}

const updatable = [
  '`spec.containers[*].image`', '`spec.initContainers[*].image`', '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

const withImages = (draft: readonly Container[] | undefined, current: readonly Container[] | undefined) => draft?.map((c, index) => ({ ...c, image: current?.[index]?.image }))

/** The draft with everything put back that may change. */
function unchangeable(draft: PodSpec, current: PodSpec): PodSpec {
  const { activeDeadlineSeconds, schedulingGates, tolerations } = current
  const grace = draft.terminationGracePeriodSeconds === 1 && (current.terminationGracePeriodSeconds ?? 0) < 0 ? current.terminationGracePeriodSeconds : draft.terminationGracePeriodSeconds
  const munged: PodSpec = {
    ...draft, containers: withImages(draft.containers, current.containers) as Container[], initContainers: withImages(draft.initContainers, current.initContainers),
    activeDeadlineSeconds, schedulingGates, tolerations, terminationGracePeriodSeconds: grace,
  }
  if (!current.schedulingGates?.length) return munged
  const affinity = { ...draft.affinity, nodeAffinity: current.affinity?.nodeAffinity }
  return { ...munged, nodeSelector: current.nodeSelector, affinity: Object.values(affinity).some(Boolean) ? affinity : undefined }
}

export const validatePodUpdate = listed(function* (draft: Pod, current: Pod): Findings {
  yield* mirrorUnchanged(draft, current)
  const [after, before] = [draft.spec!, current.spec!]
  for (const kind of ['containers', 'initContainers'] as const) {
    if ((after[kind] ?? []).length !== (before[kind] ?? []).length) return yield forbidden(`spec.${kind}`, 'pod updates may not add or remove containers')
  }
  const wrongDeadline = [...deadline(after, before)]
  yield* wrongDeadline
  if (wrongDeadline.length > 0 && after.activeDeadlineSeconds !== undefined) return
  yield* onlyAddedTolerations(after, before)
  yield* onlyDeletedGates(after, before)
  if (before.schedulingGates?.length) {
    yield* narrowedSelector(after, before)
    yield* narrowedAffinity(after.affinity?.nodeAffinity, before.affinity?.nodeAffinity)
  }
  const munged = unchangeable(after, before)
  if (!equal(munged, before)) {
    yield forbidden('spec', `pod updates may not change fields other than ${updatable}\n${changesText('spec', before, munged)}`)
  }
})

function shouldRestart(container: Container | undefined, spec: PodSpec, exitCode: number): boolean {
  if (!container) return false
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    if (!action.startsWith('Restart') || !exitCodes) continue
    if (exitCodes.values?.includes(exitCode) === (exitCodes.operator === 'In')) return true
  }
  const policy = container.restartPolicy ?? spec.restartPolicy
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

const restartsAll = (spec: PodSpec) =>
  [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some((c) => c.restartPolicyRules?.some((rule) => rule.action === 'RestartAllContainers'))

/** What has ended for good does not run again. */
function* noResurrection(kind: 'containerStatuses' | 'initContainerStatuses', draft: Pod, current: Pod): Findings {
  const spec = current.spec!
  if (restartsAll(spec)) return
  const containers = kind === 'containerStatuses' ? spec.containers : spec.initContainers
  for (const [index, old] of (current.status?.[kind] ?? []).entries()) {
    const ended = old.state?.terminated
    const next = draft.status?.[kind]?.find((s) => s.name === old.name)
    if (!ended || !next || next.state?.terminated) continue
    if (!shouldRestart(containers?.find((c) => c.name === old.name), spec, ended.exitCode)) {
      yield forbidden(`status.${kind}[${index}].state`, 'may not be transitioned to non-terminated state')
    }
  }
}

const systemConditions = ['PodScheduled', 'Ready', 'Initialized']

export const validatePodStatusUpdate = listed(function* (draft: Pod, current: Pod): Findings {
  yield* mirrorUnchanged(draft, current)
  for (const [index, { type }] of (draft.status?.conditions ?? []).entries()) {
    if (!systemConditions.includes(type)) yield* qualifiedName(`status.conditions[${index}].Type`, type)
  }
  const nominated = draft.status?.nominatedNodeName
  if (nominated && nominated !== current.status?.nominatedNodeName) {
    yield* checked('status.nominatedNodeName', nominated, isDnsSubdomain)
    if (current.spec?.nodeName) yield forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node')
  }
  yield* immutable('status.qosClass', draft.status?.qosClass, current.status?.qosClass)
  yield* noResurrection('containerStatuses', draft, current)
  yield* noResurrection('initContainerStatuses', draft, current)
  for (const [index, { ip }] of (draft.status?.podIPs ?? []).entries()) {
    if (!current.status?.podIPs?.some((old) => old.ip === ip)) yield* legacyIp(`status.podIPs[${index}]`, ip)
  }
})

export const validateEphemeralContainersUpdate = (draft: Pod, current: Pod): FieldError[] => {
  if (current.metadata?.annotations?.[mirror] !== undefined) return [forbidden('', 'static pods do not support ephemeral containers')]
  const changes = (current.spec?.ephemeralContainers ?? []).flatMap((old) => {
    const next = draft.spec?.ephemeralContainers?.find((c) => c.name === old.name)
    if (!next) return [forbidden('spec.ephemeralContainers', `existing ephemeral containers "${old.name}" may not be removed\n`)]
    return equal(old, next) ? [] : [forbidden('spec.ephemeralContainers', `existing ephemeral containers "${old.name}" may not be changed\n${changesText(old.name, old, next)}`)]
  })
  return [...validatePod(draft), ...changes]
}
