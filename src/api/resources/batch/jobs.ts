import type { Job } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, nameColumn, text, wide } from '../common/columns.ts'
import { humanDuration } from '../common/duration.ts'
import { selectorOrNone } from '../common/label-text.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { defaultJob, generateSelector } from './job-strategy.ts'
import { validateJobStatus, validateJobUpdate } from './job-update.ts'
import { validateJob } from './validation.ts'
import { jobWarnings } from '../common/warnings/workloads.ts'

function completions({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`
  const parallelism = spec?.parallelism ?? 0
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function duration({ status }: Job, now: number): string {
  if (!status?.startTime) return ''
  return humanDuration((status.completionTime ? Date.parse(status.completionTime) : now) - Date.parse(status.startTime))
}

function state(job: Job): string {
  const is = (type: string) => job.status?.conditions?.find((c) => c.type === type)?.status === 'True'
  if (is('Complete')) return 'Complete'
  if (is('Failed')) return 'Failed'
  if (job.metadata?.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running'
}

const status = statusHooks<Job>(() => ({}), validateJobStatus)

export const jobs = defineResource<Job>({
  group: 'batch', kind: 'Job', plural: 'jobs', singular: 'job', categories: ['all'], namespaced: true,
  ...v1('batch', 'Job'),
  defaultPropagation: 'Orphan',
  ...status,
  defaults: defaultJob,
  validate: validateJob,
  warnings: jobWarnings,
  validateUpdate: validateJobUpdate,
  prepareForCreate(draft) {
    if (!draft.spec?.manualSelector) generateSelector(draft)
    status.prepareForCreate(draft)
  },
  selectableFields: { 'status.successful': (job) => String(job.status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    text('Status', state),
    text('Completions', completions),
    text('Duration', duration),
    ageColumn,
    ...containerColumns<Job>((job) => job.spec?.template.spec?.containers).map(wide),
    wide(text('Selector', (job) => selectorOrNone(job.spec?.selector))),
  ],
})
