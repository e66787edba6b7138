// The pods of a job as they are created.
import type { Container, Job, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { podFromTemplate } from '../common/pods.ts'
import { countedFailures, failureCountAnnotation, ignoredCountAnnotation, ignoredFailures, indexAnnotation, limitsEachIndex, trackingFinalizer } from './job-pods.ts'
import { judgeFailure } from './policies.ts'

/** Five more characters follow, and all must fit a DNS label. */
const longestPrefix = 58

export function newPod(job: Stored<Job>): Pod {
  const pod = podFromTemplate(job.spec!.template, job)
  const finalizers = new Set([...(pod.metadata?.finalizers ?? []), trackingFinalizer])
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...finalizers] } }
}

/** @param replaced the failed pod of the same index. */
export function newIndexedPod(job: Stored<Job>, index: number, replaced: Pod | undefined): Pod {
  const { metadata, spec } = newPod(job)
  const { name } = job.metadata
  const suffix = `-${index}-`
  return {
    metadata: {
      ...metadata,
      generateName: name.slice(0, longestPrefix - suffix.length) + suffix,
      labels: { ...metadata?.labels, [indexAnnotation]: `${index}` },
      annotations: { ...metadata?.annotations, [indexAnnotation]: `${index}`, ...(limitsEachIndex(job) ? failureCounts(job, replaced) : {}) },
    },
    spec: {
      ...spec!,
      hostname: `${name}-${index}`,
      containers: spec!.containers.map(knowingItsIndex),
      ...(spec?.initContainers ? { initContainers: spec.initContainers.map(knowingItsIndex) } : {}),
    },
  }
}

function knowingItsIndex(container: Container): Container {
  const name = 'JOB_COMPLETION_INDEX'
  if (container.env?.some((variable) => variable.name === name)) return container
  return { ...container, env: [...(container.env ?? []), { name, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } }] }
}

function failureCounts(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [failureCountAnnotation]: '0' }
  const { counts } = judgeFailure(job, replaced)
  const ignored = ignoredFailures(replaced) + Number(!counts)
  return { [failureCountAnnotation]: `${countedFailures(replaced) + Number(counts)}`, ...(ignored ? { [ignoredCountAnnotation]: `${ignored}` } : {}) }
}
