// podFailurePolicy and successPolicy: which rule a failed pod or a set of succeeded indexes meets first.
import type { ContainerStatus, Job, Pod, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../../api/generated/types.ts'
import { overlap, parseIndexes, total, type Indexes } from './indexes.ts'

interface FailureVerdict {
  /** Towards backoffLimit, and backoffLimitPerIndex. */
  counts: boolean
  failsIndex: boolean
  /** Why the whole job fails. */
  failsJob?: string
}

export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const cause = causeOf(rule, pod)
    if (cause === undefined) continue
    if (rule.action === 'Ignore') return { counts: false, failsIndex: false }
    if (rule.action === 'FailIndex') return { counts: true, failsIndex: true }
    if (rule.action === 'Count') return { counts: true, failsIndex: false }
    if (rule.action === 'FailJob') return { counts: true, failsIndex: false, failsJob: `${cause} matching ${rule.action} rule at index ${index}` }
  }
  return { counts: true, failsIndex: false }
}

function causeOf({ onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata ?? {}
  const { containerStatuses = [], initContainerStatuses = [], conditions = [] } = pod.status ?? {}
  if (onExitCodes) {
    const failed = [...containerStatuses, ...initContainerStatuses].find((status) => matchesExitCode(status, onExitCodes))
    return failed && `Container ${failed.name} for pod ${namespace}/${name} failed with exit code ${failed.state?.terminated?.exitCode}`
  }
  const met = conditions.find((condition) => onPodConditions.some((pattern) => condition.type === pattern.type && condition.status === (pattern.status ?? 'True')))
  return met && `Pod ${namespace}/${name} has condition ${met.type}`
}

function matchesExitCode({ name, state }: ContainerStatus, { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement): boolean {
  const exitCode = state?.terminated?.exitCode
  if (!exitCode || (containerName !== undefined && containerName !== name)) return false
  return operator === 'In' ? values.includes(exitCode) : operator === 'NotIn' && !values.includes(exitCode)
}

/** The message of the first rule that is met. */
export function metSuccessRule({ spec }: Job, succeeded: Indexes): string | undefined {
  if (succeeded.length === 0) return undefined
  for (const [index, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? succeeded : parseIndexes(succeededIndexes, spec?.completions ?? 0)
    const reached = overlap(wanted, succeeded)
    const met = reached >= (succeededCount ?? Infinity) || (succeededIndexes !== undefined && wanted.length > 0 && reached === total(wanted))
    if (met) return `Matched rules at index ${index}`
  }
  return undefined
}
