// Warnings about workloads (source: their strategies in pkg/registry).
import type { CronJob, DaemonSet, Job, JobSpec, ObjectMeta, PodTemplateSpec, StatefulSet } from '../../../generated/types.ts'
import { equal } from '../equal.ts'
import { claimSpecWarnings } from './claims.ts'
import { podWarnings } from './pod-spec.ts'
import { isNewGeneration, podNameWarning, warned, type Warnings } from './warnings.ts'

interface Workload {
  metadata?: ObjectMeta
  spec?: { template?: PodTemplateSpec }
}

/** Of a Deployment, ReplicaSet or ReplicationController. */
export const replicatedWarnings = warned(function* (draft: Workload, current?: Workload): Warnings {
  if (!current) yield* podNameWarning(draft)
  if (isNewGeneration(draft, current)) yield* podWarnings('spec.template.', draft.spec?.template)
})

export const daemonSetWarnings = warned(function* (draft: DaemonSet, current?: DaemonSet): Warnings {
  if (!current || !equal(draft.spec?.template, current.spec?.template)) yield* podWarnings('spec.template.', draft.spec?.template)
})

export const statefulSetWarnings = warned(function* (draft: StatefulSet, current?: StatefulSet): Warnings {
  if (isNewGeneration(draft, current)) yield* podWarnings('spec.template.', draft.spec?.template)
  // on updates the path ends in upstream's name of the field
  const part = current ? '.Spec' : ''
  for (const [index, claim] of (draft.spec?.volumeClaimTemplates ?? []).entries()) yield* claimSpecWarnings(`spec.volumeClaimTemplates[${index}]${part}`, claim.spec)
  if ((draft.spec?.revisionHistoryLimit ?? 0) < 0) yield 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'
})

const manyIndexes = 'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'

function* jobSpecWarnings(field: string, spec: JobSpec | undefined): Warnings {
  const many = (spec?.completions ?? 0) > 100_000 && (spec?.parallelism ?? 0) > 10_000
  if (spec?.completionMode === 'Indexed' && many) yield `${field}: ${manyIndexes}`
  yield* podWarnings(`${field}.template.`, spec?.template)
}

export const jobWarnings = warned(function* (draft: Job, current?: Job): Warnings {
  if (!current) yield* podNameWarning(draft)
  if (isNewGeneration(draft, current)) yield* jobSpecWarnings('spec', draft.spec)
})

export const cronJobWarnings = warned(function* (draft: CronJob, current?: CronJob): Warnings {
  if (!current) yield* podNameWarning(draft)
  if (isNewGeneration(draft, current)) yield* jobSpecWarnings('spec.jobTemplate.spec', draft.spec?.jobTemplate.spec)
  if (current && draft.spec?.schedule.includes('TZ')) {
    yield 'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details'
  }
})
