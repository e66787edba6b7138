import type { CronJob } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, boolean, containerColumns, integer, nameColumn, text, wide } from '../common/columns.ts'
import { ageSince } from '../common/duration.ts'
import { selectorOrNone } from '../common/label-text.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { defaultJobTemplate } from './job-strategy.ts'
import { validateCronJob, validateCronJobCreate } from './validation.ts'
import { cronJobWarnings } from '../common/warnings/workloads.ts'

const suspended = ({ spec }: CronJob) => (spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False')

export const cronjobs = defineResource<CronJob>({
  group: 'batch', kind: 'CronJob', plural: 'cronjobs', singular: 'cronjob', shortNames: ['cj'], categories: ['all'], namespaced: true,
  ...v1('batch', 'CronJob'),
  ...statusHooks<CronJob>(() => ({})),
  defaults({ spec }) {
    if (!spec) return
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    if (!spec.jobTemplate) return
    spec.jobTemplate.metadata ??= {}
    if (spec.jobTemplate.spec) defaultJobTemplate(spec.jobTemplate.spec)
  },
  validate: validateCronJob,
  warnings: cronJobWarnings,
  validateCreate: validateCronJobCreate,
  columns: [
    nameColumn,
    text('Schedule', (object) => object.spec?.schedule ?? ''),
    text('Timezone', (object) => object.spec?.timeZone ?? '<none>'),
    boolean('Suspend', suspended),
    integer('Active', (object) => object.status?.active?.length ?? 0),
    text('Last Schedule', ({ status }, now) => (status?.lastScheduleTime ? ageSince(status.lastScheduleTime, now) : '<none>')),
    ageColumn,
    ...containerColumns<CronJob>((object) => object.spec?.jobTemplate.spec?.template.spec?.containers).map(wide),
    wide(text('Selector', (object) => selectorOrNone(object.spec?.jobTemplate.spec?.selector))),
  ],
})
