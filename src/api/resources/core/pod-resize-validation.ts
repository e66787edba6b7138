// What `pods/resize` may change: cpu and memory of containers and of the pod (source: `ValidatePodResize`).
import { type FieldError, forbidden, invalid } from '../../field-error.ts'
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/types.ts'
import { equal } from '../common/equal.ts'
import { qosClassOf } from '../../qos.ts'
import type { Findings } from '../common/validation/findings.ts'
import { validatePod } from './pod-validation.ts'

type List = Record<string, string> | undefined

const restored = (draft: List, current: List): List => {
  const { cpu: _cpu, memory: _memory, ...rest } = draft ?? {}
  const kept = Object.fromEntries(Object.entries(current ?? {}).filter(([name]) => name === 'cpu' || name === 'memory'))
  return { ...rest, ...kept }
}

const withoutResize = (draft: ResourceRequirements | undefined, current: ResourceRequirements | undefined): ResourceRequirements => ({
  ...draft, requests: restored(draft?.requests, current?.requests), limits: restored(draft?.limits, current?.limits),
})

const removed = (draft: List, current: List) => Object.keys(current ?? {}).some((name) => draft?.[name] === undefined)

function* order(draft: PodSpec, current: PodSpec): Findings {
  for (const kind of ['containers', 'initContainers'] as const) {
    const [after, before] = [draft[kind] ?? [], current[kind] ?? []]
    if (after.length !== before.length) yield forbidden(`spec.${kind}`, `${kind} may not be added or removed on resize`)
    else for (const [index, old] of before.entries()) {
      if (after[index]?.name !== old.name) yield forbidden(`spec.${kind}[${index}].name`, `${kind} may not be renamed or reordered on resize`)
    }
  }
}

function* removals(field: string, draft: Container, current: Container): Findings {
  if (removed(draft.resources?.requests, current.resources?.requests)) yield forbidden(`${field}.requests`, 'resource requests cannot be removed')
  if (removed(draft.resources?.limits, current.resources?.limits)) yield forbidden(`${field}.limits`, 'resource limits cannot be removed')
}

function isSupported({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find((s) => s.state?.running)
  return running === undefined || running.resources !== undefined
}

function* resize(draft: Pod, current: Pod): Findings {
  const [after, before] = [draft.spec!, current.spec!]
  if ((current.status?.qosClass ?? qosClassOf(before)) !== qosClassOf(after)) {
    yield invalid('spec', draft.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing')
  }
  if (!isSupported(current)) yield forbidden('spec', 'Pod running on node without support for resize')
  const misplaced = [...order(after, before)]
  yield* misplaced
  if (misplaced.length > 0) return
  for (const kind of ['initContainers', 'containers'] as const) {
    for (const [index, old] of (before[kind] ?? []).entries()) yield* removals(`spec.${kind}[${index}].resources`, after[kind]![index]!, old)
  }
  const munge = (drafts: Container[] | undefined, currents: Container[] | undefined) =>
    drafts?.map((c, index) => ({ ...c, resources: withoutResize(c.resources, currents?.[index]?.resources) }))
  const munged = {
    ...after, containers: munge(after.containers, before.containers), initContainers: munge(after.initContainers, before.initContainers),
    resources: after.resources || before.resources ? withoutResize(after.resources, before.resources) : undefined,
  }
  if (!equal(munged, before)) yield forbidden('spec', 'only cpu and memory resources are mutable')
}

export function validatePodResize(draft: Pod, current: Pod): FieldError[] {
  if (current.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) return [forbidden('', 'static pods cannot be resized')]
  return [...validatePod(draft), ...resize(draft, current)]
}
