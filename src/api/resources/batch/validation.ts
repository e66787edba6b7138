// Source: pkg/apis/batch/validation.
import { duplicate, invalid, notSupported, required, tooLong, tooMany } from '../../field-error.ts'
import type { CronJob, Job, JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../../generated/types.ts'
import { isDnsLabel, isDomainPrefixedPath } from '../../names.ts'
import { labelSelectorOf } from '../../selector.ts'
import { podTemplate } from '../common/pod-spec/validation/template.ts'
import { checked, type Findings, listed, nonNegative, oneOf, qualifiedName } from '../common/validation/findings.ts'
import { labelSelector } from '../common/validation/labels.ts'
import { jobLabels } from './job-strategy.ts'
import { checkSchedule } from './schedule.ts'
import { successPolicy } from './success-policy.ts'

const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const
const manyCompletions = 100_000

function* indexed(field: string, spec: JobSpec): Findings {
  const { completions, parallelism = 0, maxFailedIndexes } = spec
  if (completions === undefined) yield required(`${field}.completions`, 'when completion mode is Indexed')
  if (parallelism > 100_000) yield invalid(`${field}.parallelism`, parallelism, 'must be less than or equal to 100000 when completion mode is Indexed')
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    yield invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions')
  }
  if ((maxFailedIndexes ?? 0) > 100_000) yield invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to 100000')
  if ((completions ?? 0) <= manyCompletions || spec.backoffLimitPerIndex === undefined) return
  const when = `must be less than or equal to 10000 when completions are above ${manyCompletions} and used with backoff limit per index`
  if (maxFailedIndexes === undefined) yield required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`)
  if (parallelism > 10_000) yield invalid(`${field}.parallelism`, parallelism, when)
  if ((maxFailedIndexes ?? 0) > 10_000) yield invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, when)
}

function* exitCodes(field: string, { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement, spec: JobSpec): Findings {
  const names = [...(spec.template.spec?.containers ?? []), ...(spec.template.spec?.initContainers ?? [])].map((c) => c.name)
  if (!operator) yield required(`${field}.operator`, 'valid values: ["In" "NotIn"]')
  else if (operator !== 'In' && operator !== 'NotIn') yield notSupported(`${field}.operator`, operator, ['In', 'NotIn'])
  if (containerName !== undefined && !names.includes(containerName)) {
    yield invalid(`${field}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template')
  }
  if (values.length === 0) yield invalid(`${field}.values`, values, 'at least one value is required')
  if (values.length > 255) yield tooMany(`${field}.values`, values.length, 255)
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) yield invalid(`${field}.values[${index}]`, value, 'must not be 0 for the In operator')
    if (values.indexOf(value) < index) yield duplicate(`${field}.values[${index}]`, value)
  }
  if (values.some((value, index) => index > 0 && values[index - 1]! > value)) yield invalid(`${field}.values`, values, 'must be ordered')
}

const failureActions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const withoutValue = (field: string, detail: string) => ({ ...invalid(field, ''), message: `Invalid value: ${detail}` })

function* failureRule(field: string, rule: PodFailurePolicyRule, spec: JobSpec): Findings {
  if (!rule.action) yield required(`${field}.action`, `valid values: [${failureActions.map((a) => JSON.stringify(a)).join(' ')}]`)
  else if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    yield invalid(`${field}.action`, rule.action, 'requires the backoffLimitPerIndex to be set')
  } else if (!failureActions.includes(rule.action)) yield notSupported(`${field}.action`, rule.action, failureActions)
  if (rule.onExitCodes) yield* exitCodes(`${field}.onExitCodes`, rule.onExitCodes, spec)
  const conditions = rule.onPodConditions ?? []
  if (conditions.length > 20) yield tooMany(`${field}.onPodConditions`, conditions.length, 20)
  for (const [index, { type, status }] of conditions.entries()) {
    const at = `${field}.onPodConditions[${index}]`
    yield* qualifiedName(`${at}.type`, type)
    if (!status) yield required(`${at}.status`, 'valid values: ["False" "True" "Unknown"]')
    else if (!['False', 'True', 'Unknown'].includes(status)) yield notSupported(`${at}.status`, status, ['False', 'True', 'Unknown'])
  }
  if (rule.onExitCodes && conditions.length > 0) yield withoutValue(field, 'specifying both OnExitCodes and OnPodConditions is not supported')
  if (!rule.onExitCodes && conditions.length === 0) yield withoutValue(field, 'specifying one of OnExitCodes and OnPodConditions is required')
}

function* policies(field: string, spec: JobSpec): Findings {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > 20) yield tooMany(`${field}.podFailurePolicy.rules`, rules.length, 20)
  for (const [index, rule] of rules.entries()) yield* failureRule(`${field}.podFailurePolicy.rules[${index}]`, rule, spec)
  if (spec.successPolicy) {
    if (spec.completionMode !== 'Indexed') yield invalid(`${field}.successPolicy`, spec.successPolicy, 'requires indexed completion mode')
    else yield* successPolicy(`${field}.successPolicy`, spec.successPolicy, spec.completions ?? 0)
  }
  const replacement = spec.podReplacementPolicy
  const supported = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  if (replacement !== undefined && !supported.includes(replacement)) yield notSupported(`${field}.podReplacementPolicy`, replacement, supported)
}

function* restartPolicy(field: string, spec: JobSpec): Findings {
  const policy = spec.template?.spec?.restartPolicy
  if (!policy || policy === 'Always') yield required(field, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') yield notSupported(field, policy, ['OnFailure', 'Never'])
  else if (spec.podFailurePolicy && policy !== 'Never') yield invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')
}

function* jobSpec(field: string, spec: JobSpec): Findings {
  for (const name of counts) yield* nonNegative(`${field}.${name}`, spec[name])
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    yield required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')
  }
  if (spec.managedBy !== undefined) {
    yield* checked(`${field}.managedBy`, spec.managedBy, isDomainPrefixedPath)
    if (spec.managedBy.length > 63) yield tooLong(`${field}.managedBy`, 63)
  }
  const mode = spec.completionMode ?? 'NonIndexed'
  if (mode !== 'NonIndexed' && mode !== 'Indexed') yield notSupported(`${field}.completionMode`, mode, ['NonIndexed', 'Indexed'])
  if (mode === 'Indexed') yield* indexed(field, spec)
  if (mode === 'NonIndexed') {
    for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[name] !== undefined) yield invalid(`${field}.${name}`, spec[name], 'requires indexed completion mode')
    }
  }
  yield* policies(field, spec)
  yield* podTemplate(`${field}.template`, spec.template)
  yield* restartPolicy(`${field}.template.spec.restartPolicy`, spec)
}

function* generatedSelector({ metadata, spec }: Job): Findings {
  if (spec?.manualSelector || !spec?.selector) return
  const own = {
    [jobLabels.legacyControllerUid]: metadata?.uid ?? '', [jobLabels.legacyName]: metadata?.name ?? '',
    [jobLabels.controllerUid]: metadata?.uid ?? '', [jobLabels.name]: metadata?.name ?? '',
  }
  const actual = spec.template?.metadata?.labels
  for (const [key, expected] of Object.entries(own)) {
    const at = `spec.template.metadata.labels[${key}]`
    if (actual?.[key] === undefined) yield required(at, `must be '${expected}'`)
    else if (actual[key] !== expected) yield invalid(at, actual, `must be '${expected}'`)
  }
  if (!labelSelectorOf(spec.selector).matches(own)) yield invalid('spec.selector', spec.selector, '`selector` not auto-generated')
}

export const validateJob = listed(function* (job: Job): Findings {
  const { metadata, spec } = job
  if (!spec) return yield required('spec.template.spec.containers')
  yield* generatedSelector(job)
  yield* jobSpec('spec', spec)
  if (!spec.selector) yield required('spec.selector')
  else {
    yield* labelSelector('spec.selector', spec.selector)
    const labels = spec.template?.metadata?.labels
    if (!labelSelectorOf(spec.selector).matches(labels)) yield invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')
  }
  if (spec.completionMode !== 'Indexed' || !spec.completions) return
  const last = `${metadata?.name}-${spec.completions - 1}`
  if (isDnsLabel(last).length > 0) yield invalid('metadata.name', metadata?.name, `will not able to create pod with invalid DNS label: ${last}`)
})

function* timeZone(field: string, zone: string): Findings {
  if (zone === '') return yield invalid(field, zone, 'timeZone must be nil or non-empty string')
  const odd = zone.split('/').some((part) => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z0-9._+-]{1,14}$/.test(part))
  if (odd) return yield invalid(field, zone, `unknown time zone ${zone}`)
  if (zone.toLowerCase() === 'local') yield invalid(field, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    yield invalid(field, zone, `unknown time zone ${zone}`)
  }
}

function* schedule(field: string, text: string): Findings {
  if (!text) return yield required(field)
  try {
    checkSchedule(text)
  } catch (error) {
    yield invalid(field, text, (error as Error).message)
  }
  if (text.includes('TZ')) yield invalid(field, text, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
}

export const validateCronJob = listed(function* ({ spec }: CronJob): Findings {
  if (!spec) return yield required('spec.schedule')
  yield* schedule('spec.schedule', spec.schedule)
  yield* nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
  if (spec.timeZone !== undefined) yield* timeZone('spec.timeZone', spec.timeZone)
  yield* oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])
  const job = spec.jobTemplate?.spec
  if (job) {
    yield* jobSpec('spec.jobTemplate.spec', job)
    if (job.selector) yield invalid('spec.jobTemplate.spec.selector', job.selector, '`selector` will be auto-generated')
    if (job.manualSelector) yield notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false'])
  } else yield required('spec.jobTemplate.spec.template.spec.containers')
  yield* nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
  yield* nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
})

export const validateCronJobCreate = listed(function* ({ metadata }: CronJob): Findings {
  if ((metadata?.name?.length ?? 0) > 52) yield invalid('metadata.name', metadata?.name, 'must be no more than 52 characters')
})
