// What of a job may change (source: `ValidateJobSpecUpdate`, `ValidateJobStatusUpdate`).
import { type FieldError, invalid, required } from '../../field-error.ts'
import type { Job, PodSpec, PodTemplateSpec } from '../../generated/types.ts'
import { equal } from '../common/equal.ts'
import { type Findings, immutable, listed, nonNegative } from '../common/validation/findings.ts'

const has = ({ status }: Job, type: string) => status?.conditions?.find((c) => c.type === type)?.status === 'True'

/** A suspended job without pods has a template that may still be tuned. */
const isTunable = (job: Job) => job.spec?.suspend === true && (!job.status?.startTime || has(job, 'Suspended')) && !job.status?.active

function withDirectives(current: PodTemplateSpec, draft: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, tolerations, schedulingGates } = draft.spec ?? {}
  const affinity = { ...current.spec?.affinity, nodeAffinity: draft.spec?.affinity?.nodeAffinity }
  return {
    ...current, metadata: { ...current.metadata, labels: draft.metadata?.labels, annotations: draft.metadata?.annotations },
    spec: { ...current.spec!, nodeSelector, tolerations, schedulingGates, affinity: Object.values(affinity).some(Boolean) ? affinity : undefined },
  }
}

function withResources(current: PodSpec, draft: PodSpec): PodSpec {
  const tuned = (kind: 'containers' | 'initContainers') => current[kind]?.map((c, index) => (draft[kind]?.[index]?.name === c.name ? { ...c, resources: draft[kind]![index]!.resources } : c))
  return { ...current, containers: tuned('containers') ?? [], initContainers: tuned('initContainers') }
}

function* template(draft: Job, current: Job): Findings {
  const [after, before] = [draft.spec!.template, current.spec!.template]
  if (!isTunable(current)) return yield* immutable('spec.template', after, before)
  const allowed = withDirectives(before, after)
  yield* immutable('spec.template.spec', after.spec, withResources(allowed.spec!, after.spec!))
}

export const validateJobUpdate = listed(function* (draft: Job, current: Job): Findings {
  const [after, before] = [draft.spec!, current.spec!]
  if (after.completionMode !== 'Indexed') yield* immutable('spec.completions', after.completions, before.completions)
  else if (!equal(after.completions, before.completions) && after.completions !== undefined && after.completions !== after.parallelism) {
    yield invalid('spec.completions', after.completions, 'can only be modified in tandem with spec.parallelism')
  }
  yield* immutable('spec.selector', after.selector, before.selector)
  yield* template(draft, current)
  for (const name of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    yield* immutable(`spec.${name}`, after[name], before[name])
  }
})

const about = (detail: string): FieldError => ({ ...invalid('status.conditions', ''), message: `Invalid value: ${detail}` })
const finished = (job: Job) => has(job, 'Complete') || has(job, 'Failed')

function* consistentStatus(job: Job): Findings {
  const status = job.status ?? {}
  for (const name of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) yield* nonNegative(`status.${name}`, status[name])
  if (has(job, 'Complete') && has(job, 'Failed')) yield about('cannot set Complete=True and Failed=true conditions')
  if (has(job, 'Complete') && has(job, 'FailureTarget')) yield about('cannot set Complete=True and FailureTarget=true conditions')
  if (status.completionTime && !has(job, 'Complete')) {
    yield invalid('status.completionTime', status.completionTime, 'cannot set completionTime when there is no Complete=True condition')
  }
  if (!status.completionTime && has(job, 'Complete')) yield required('status.completionTime', 'completionTime is required for Complete jobs')
  if (has(job, 'Failed') && !has(job, 'FailureTarget')) yield about('cannot set Failed=True condition without the FailureTarget=true condition')
  if (has(job, 'Complete') && !has(job, 'SuccessCriteriaMet')) yield about('cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  if (has(job, 'SuccessCriteriaMet') && has(job, 'Failed')) yield about('cannot set SuccessCriteriaMet=True and Failed=true conditions')
  if (has(job, 'SuccessCriteriaMet') && has(job, 'FailureTarget')) yield about('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  if ((status.ready ?? 0) > (status.active ?? 0)) yield invalid('status.ready', status.ready, 'cannot set more ready pods than active')
  if (!finished(job)) return
  if (status.active) yield invalid('status.active', status.active, 'active>0 is invalid for finished job')
  const emptyAndSuspended = job.spec?.suspend === true && job.spec.completions === 0
  if (!status.startTime && !emptyAndSuspended) yield required('status.startTime', 'startTime is required for finished job')
  if (status.terminating) yield invalid('status.terminating', status.terminating, 'terminating>0 is invalid for finished job')
  const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {}
  if (failed.length + succeeded.length > 0) yield invalid('status.uncountedTerminatedPods', status.uncountedTerminatedPods, 'must be empty for finished job')
}

export const validateJobStatus = listed(function* (draft: Job, current: Job): Findings {
  const [after, before] = [draft.status ?? {}, current.status ?? {}]
  if (!equal(after, before)) yield* consistentStatus(draft)
  for (const type of ['Failed', 'Complete', 'FailureTarget', 'SuccessCriteriaMet']) {
    const terminal = type === 'SuccessCriteriaMet' ? '' : 'terminal '
    if (has(current, type) && !has(draft, type)) yield about(`cannot disable the ${terminal}${type}=True condition`)
  }
  if ((after.failed ?? 0) < (before.failed ?? 0)) yield invalid('status.failed', after.failed ?? 0, 'cannot decrease the failed counter')
  const scalable = draft.spec?.completionMode === 'Indexed' && draft.spec.completions === draft.spec.parallelism
  if (!scalable && (after.succeeded ?? 0) < (before.succeeded ?? 0)) {
    yield invalid('status.succeeded', after.succeeded ?? 0, 'cannot decrease the succeeded counter')
  }
  if (after.completionTime && before.completionTime) yield* immutable('status.completionTime', after.completionTime, before.completionTime)
  const resuming = has(current, 'Suspended') && draft.status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'False')
  if (before.startTime && after.startTime !== before.startTime && !draft.spec?.suspend && !resuming) {
    yield invalid('status.startTime', after.startTime, 'field is immutable for unsuspended job once set')
  }
})
