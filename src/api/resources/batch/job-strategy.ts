import type { Job, JobSpec } from '../../generated/types.ts'
import { isLabelValue } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'

export const jobLabels = {
  name: 'batch.kubernetes.io/job-name', legacyName: 'job-name',
  controllerUid: 'batch.kubernetes.io/controller-uid', legacyControllerUid: 'controller-uid',
}

function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  spec.manualSelector ??= false
}

export function defaultJobTemplate(spec: JobSpec): void {
  defaultPodTemplate(spec.template)
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
}

export function defaultJob(draft: Job): void {
  if (!draft.spec) return
  defaultJobTemplate(draft.spec)
  defaultJobSpec(draft.spec)
  const labels = draft.spec.template?.metadata?.labels
  if (labels && Object.keys(draft.metadata?.labels ?? {}).length === 0) draft.metadata = { ...draft.metadata, labels }
}

/**
 * A job's own uid selects its pods; labels that the user gave stay, and validation refuses those that contradict.
 * A job without labels of its own takes the template's, with these.
 */
export function generateSelector({ metadata, spec }: Job): void {
  if (!spec) return
  spec.template ??= {}
  const uid = metadata?.uid ?? ''
  const name = metadata?.name ?? ''
  const own = { [jobLabels.legacyName]: name, [jobLabels.name]: name, [jobLabels.legacyControllerUid]: uid, [jobLabels.controllerUid]: uid }
  // upstream copies labels to a job when it reads it, so those that no label could be are complained about once
  const inherited = equal(metadata?.labels, spec.template.metadata?.labels) && (metadata?.labels !== undefined || isLabelValue(name).length === 0)
  const labels = { ...own, ...spec.template.metadata?.labels }
  spec.template.metadata = { ...spec.template.metadata, labels }
  if (metadata && inherited) metadata.labels = { ...labels }
  spec.selector = { ...spec.selector, matchLabels: { [jobLabels.controllerUid]: uid, ...spec.selector?.matchLabels } }
}
