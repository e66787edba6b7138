// What each write to a pod may change (source: pkg/registry/core/pod/strategy.go). `metadata.generation` follows `spec` in every one of them.
import type { Container, LabelSelector, Pod, PodAffinityTerm, PodSpec } from '../../generated/types.ts'
import type { HookContext } from '../../resource.ts'
import { isFinished } from '../../pod-phase.ts'
import { equal } from '../common/equal.ts'
import { allContainers } from '../common/pod-spec/containers.ts'
import { appArmorOfAnnotation, appArmorPrefix } from '../common/pod-spec/legacy-annotations.ts'
import { useAppArmor } from '../common/warnings/pod-spec.ts'
import { keepMetadata, keepStatus } from '../common/strategy.ts'
import { qosClassOf } from '../../qos.ts'

/** What annotations of old say goes into the fields of today. */
function takeOverAppArmor({ metadata, spec }: Pod, warn: HookContext['warn']): void {
  if (!spec || spec.os?.name === 'windows') return
  for (const container of allContainers(spec)) {
    const key = `${appArmorPrefix}${container.name}`
    const text = metadata?.annotations?.[key]
    if (text === undefined || container.securityContext?.appArmorProfile) continue
    const profile = appArmorOfAnnotation(text)
    if (profile && equal(profile, spec.securityContext?.appArmorProfile)) continue
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    warn(`metadata.annotations[${key}]: ${useAppArmor}`)
  }
}

export function preparePodForCreate(pod: Pod, { now, warn }: HookContext): void {
  pod.status = { phase: 'Pending', ...(pod.spec ? { qosClass: qosClassOf(pod.spec) } : {}) }
  if (!pod.spec) return
  if (pod.spec.schedulingGates?.length) {
    pod.status.conditions = [{
      type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates', lastTransitionTime: now,
    }]
  }
  applyLabelKeys(pod.spec, pod.metadata?.labels ?? {})
  takeOverAppArmor(pod, warn)
}

function addExpressions(selector: LabelSelector | undefined, keys: readonly string[] | undefined, operator: 'In' | 'NotIn', labels: Readonly<Record<string, string>>): void {
  if (!selector) return
  const expressions = (keys ?? []).filter((key) => labels[key] !== undefined).map((key) => ({ key, operator, values: [labels[key]!] }))
  if (expressions.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...expressions]
}

function affinityTerms({ affinity }: PodSpec): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((a) => [
    ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
  ])
}

/** `matchLabelKeys` become expressions with the pod's own values. */
function applyLabelKeys(spec: PodSpec, labels: Readonly<Record<string, string>>): void {
  for (const term of affinityTerms(spec)) {
    addExpressions(term.labelSelector, term.matchLabelKeys, 'In', labels)
    addExpressions(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels)
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) addExpressions(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels)
}

export function preparePodStatus(pod: Pod, current: Pod): void {
  pod.spec = current.spec
  const { deletionTimestamp, ownerReferences } = current.metadata ?? {}
  pod.metadata = { ...pod.metadata, deletionTimestamp, ownerReferences }
  if (!deletionTimestamp) delete pod.metadata.deletionTimestamp
  if (!ownerReferences) delete pod.metadata.ownerReferences
  const status = { ...pod.status }
  if (!status.qosClass && current.status?.qosClass) status.qosClass = current.status.qosClass
  if (!status.observedGeneration && current.status?.observedGeneration) status.observedGeneration = current.status.observedGeneration
  const before = [...(current.status?.conditions ?? [])]
  const takeBefore = (type: string) => before.splice(before.findIndex((c) => c.type === type) >>> 0, 1)[0]?.observedGeneration
  if (status.conditions) {
    status.conditions = status.conditions.map((condition) => {
      const observedGeneration = condition.observedGeneration || takeBefore(condition.type)
      return observedGeneration ? { ...condition, observedGeneration } : condition
    })
  }
  pod.status = status
}

export function prepareEphemeralContainers(pod: Pod, current: Pod): void {
  const ephemeralContainers = pod.spec?.ephemeralContainers
  pod.spec = { ...current.spec!, ...(ephemeralContainers ? { ephemeralContainers } : {}) }
  if (!ephemeralContainers) delete pod.spec.ephemeralContainers
  keepStatus(pod, current)
  keepMetadata(pod, current)
}

/** Undefined where containers were renamed, added or taken away: validation says so then. */
function resized(drafts: readonly Container[] = [], currents: readonly Container[] = []): Container[] | undefined {
  if (drafts.length !== currents.length || drafts.some((c, index) => c.name !== currents[index]!.name)) return undefined
  return currents.map((container, index) => {
    const { resources, resizePolicy } = drafts[index]!
    const { resources: _resources, resizePolicy: _policy, ...rest } = container
    return { ...rest, ...(resources ? { resources } : {}), ...(resizePolicy ? { resizePolicy } : {}) }
  })
}

export function prepareResize(pod: Pod, current: Pod): void {
  const containers = resized(pod.spec?.containers, current.spec?.containers)
  const initContainers = resized(pod.spec?.initContainers, current.spec?.initContainers)
  if (!containers || !initContainers) return
  const resources = pod.spec?.resources
  pod.spec = { ...current.spec!, containers, ...(initContainers.length > 0 ? { initContainers } : {}) }
  delete pod.spec.resources
  if (resources) pod.spec.resources = resources
  keepStatus(pod, current)
  keepMetadata(pod, current)
}

/** At once where nothing runs yet or any more. */
export function podGraceSeconds(pod: Pod, requested?: number): number {
  if (!pod.spec?.nodeName || isFinished(pod)) return 0
  const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 0
  return seconds < 0 ? 1 : seconds
}
