// What workloads have in common: a selector that finds the pods of its own template, and templates of pods that run for ever.
import { forbidden, invalid, notSupported, required } from '../../../field-error.ts'
import type { LabelSelector, PodTemplateSpec } from '../../../generated/types.ts'
import { labelSelectorOf } from '../../../selector.ts'
import { podTemplate } from '../pod-spec/validation/template.ts'
import type { Findings } from './findings.ts'
import { nonNegative } from './findings.ts'
import { isEmptySelector, isReadable, labelSelector } from './labels.ts'

export function* requiredSelector(field: string, selector: LabelSelector | undefined, kind: string): Findings {
  if (!selector) return yield required(field)
  yield* labelSelector(field, selector)
  if (isEmptySelector(selector)) yield invalid(field, selector, `empty selector is invalid for ${kind}`)
}

export function* selectsTemplate(field: string, selector: LabelSelector | undefined, template: PodTemplateSpec | undefined): Findings {
  if (selector && !isReadable(selector)) return
  const found = labelSelectorOf(selector)
  const labels = template?.metadata?.labels
  if (!found.empty && !found.matches(labels)) yield invalid(`${field}.metadata.labels`, labels, '`selector` does not match template `labels`')
}

/** Of a Deployment and a ReplicaSet. */
export function* replicatedTemplate(field: string, selector: LabelSelector | undefined, template: PodTemplateSpec | undefined): Findings {
  if (selector && !isReadable(selector)) return yield invalid('spec.selector', selector, 'invalid label selector')
  yield* selectsTemplate(field, selector, template)
  yield* podTemplate(field, template)
  yield* runsForEver(field, template, 'ReplicaSet')
}

export function* runsForEver(field: string, template: PodTemplateSpec | undefined, kind: string): Findings {
  const spec = template?.spec
  if (!spec) return
  if (spec.restartPolicy !== 'Always') yield notSupported(`${field}.spec.restartPolicy`, spec.restartPolicy ?? '', ['Always'])
  if (spec.activeDeadlineSeconds !== undefined) yield forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)
}

type Counts = Readonly<Record<string, unknown>> | undefined

/** Counters of a status, none below zero. */
export function* counters(status: Counts, names: readonly string[]): Findings {
  for (const name of names) yield* nonNegative(`status.${name}`, status?.[name] as number | undefined)
}

/** Each of `parts` is at most the whole; what is available is ready. */
export function* replicaCounts(status: Counts, parts: readonly string[], readyText = 'cannot be greater than readyReplicas'): Findings {
  const count = (name: string) => (status?.[name] as number | undefined) ?? 0
  yield* counters(status, ['replicas', ...parts, 'observedGeneration', 'terminatingReplicas', 'collisionCount'])
  for (const part of parts) if (count(part) > count('replicas')) yield invalid(`status.${part}`, count(part), 'cannot be greater than status.replicas')
  if (count('availableReplicas') > count('readyReplicas')) yield invalid('status.availableReplicas', count('availableReplicas'), readyText)
}

export function* notDecremented(field: string, draft: number | undefined, current: number | undefined): Findings {
  if (current !== undefined && (draft ?? 0) < current) yield invalid(field, draft ?? 0, 'cannot be decremented')
}
