// Affinities, node selectors and topology spreading.
import { duplicate, forbidden, invalid, notSupported, required } from '../../../../field-error.ts'
import type {
  Affinity, LabelSelector, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm, TopologySpreadConstraint,
} from '../../../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain, isLabelValue } from '../../../../names.ts'
import { checked, type Findings, messages, oneOfIfSet, positive, qualifiedName } from '../../validation/findings.ts'
import { labelSelector } from '../../validation/labels.ts'

/** Preferred terms may hold values that no label can have. */
function* requirement(field: string, { key, operator, values = [] }: NodeSelectorRequirement, { anyValue }: { anyValue: boolean }): Findings {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) yield required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) yield forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1) yield required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")
  } else yield invalid(`${field}.operator`, operator, 'not a valid selector operator')
  yield* qualifiedName(`${field}.key`, key)
  if (!anyValue) for (const [index, value] of values.entries()) yield* messages(`${field}.values[${index}]`, value, isLabelValue(value))
}

function* fieldRequirement(field: string, { key, operator, values = [] }: NodeSelectorRequirement): Findings {
  if (operator !== 'In' && operator !== 'NotIn') yield invalid(`${field}.operator`, operator, 'not a valid selector operator')
  else if (values.length !== 1) yield required(`${field}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
  if (key !== 'metadata.name') yield invalid(`${field}.key`, key, 'not a valid field selector key')
  else for (const [index, value] of values.entries()) yield* messages(`${field}.values[${index}]`, value, isDnsSubdomain(value))
}

function* nodeTerm(field: string, term: NodeSelectorTerm | undefined, options: { anyValue: boolean }): Findings {
  for (const [index, item] of (term?.matchExpressions ?? []).entries()) yield* requirement(`${field}.matchExpressions[${index}]`, item, options)
  for (const [index, item] of (term?.matchFields ?? []).entries()) yield* fieldRequirement(`${field}.matchFields[${index}]`, item)
}

export function* nodeSelector(field: string, selector: NodeSelector): Findings {
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) yield required(`${field}.nodeSelectorTerms`, 'must have at least one node selector term')
  for (const [index, term] of terms.entries()) yield* nodeTerm(`${field}.nodeSelectorTerms[${index}]`, term, { anyValue: false })
}

function* weight(field: string, value: number): Findings {
  if (value <= 0 || value > 100) yield invalid(field, value, 'must be in the range 1-100')
}

function* labelKeys(field: string, keys: readonly string[] | undefined, selector: LabelSelector | undefined): Findings {
  if (!keys?.length) return
  if (!selector) return yield forbidden(field, 'must not be specified when labelSelector is not set')
  for (const [index, key] of keys.entries()) yield* qualifiedName(`${field}[${index}]`, key)
}

function* podTerm(field: string, term: PodAffinityTerm): Findings {
  yield* labelSelector(`${field}.labelSelector`, term.labelSelector)
  yield* labelSelector(`${field}.namespaceSelector`, term.namespaceSelector)
  for (const namespace of term.namespaces ?? []) yield* checked(`${field}.namespace`, namespace, isDnsLabel)
  yield* labelKeys(`${field}.matchLabelKeys`, term.matchLabelKeys, term.labelSelector)
  yield* labelKeys(`${field}.mismatchLabelKeys`, term.mismatchLabelKeys, term.labelSelector)
  for (const [index, key] of (term.matchLabelKeys ?? []).entries()) {
    if (term.mismatchLabelKeys?.includes(key)) yield invalid(`${field}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys')
  }
  if (!term.topologyKey) yield required(`${field}.topologyKey`, 'can not be empty')
  yield* qualifiedName(`${field}.topologyKey`, term.topologyKey)
}

function* podAffinity(field: string, affinity: PodAffinity | undefined): Findings {
  for (const [index, term] of (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    yield* podTerm(`${field}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term)
  }
  for (const [index, term] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
    yield* weight(`${at}.weight`, term.weight)
    yield* podTerm(`${at}.podAffinityTerm`, term.podAffinityTerm)
  }
}

export function* affinityOf(field: string, affinity: Affinity | undefined): Findings {
  const node = affinity?.nodeAffinity
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution
  if (hard) yield* nodeSelector(`${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`, hard)
  for (const [index, term] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
    yield* weight(`${at}.weight`, term.weight)
    yield* nodeTerm(`${at}.preference`, term.preference, { anyValue: true })
  }
  yield* podAffinity(`${field}.podAffinity`, affinity?.podAffinity)
  yield* podAffinity(`${field}.podAntiAffinity`, affinity?.podAntiAffinity)
}

const actions = ['DoNotSchedule', 'ScheduleAnyway']

export function* topologySpread(field: string, constraints: readonly TopologySpreadConstraint[] | undefined): Findings {
  for (const [index, constraint] of (constraints ?? []).entries()) {
    const at = `${field}[${index}]`
    const action = constraint.whenUnsatisfiable
    yield* positive(`${at}.maxSkew`, constraint.maxSkew ?? 0)
    if (!constraint.topologyKey) yield required(`${at}.topologyKey`, 'can not be empty')
    if (!actions.includes(action)) yield notSupported(`${at}.whenUnsatisfiable`, action ?? '', actions)
    if (constraints?.slice(index + 1).some((c) => c.topologyKey === constraint.topologyKey && c.whenUnsatisfiable === action)) {
      yield duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${constraint.topologyKey}, ${action}}`)
    }
    yield* positive(`${at}.minDomains`, constraint.minDomains)
    if (constraint.minDomains !== undefined && action !== 'DoNotSchedule') {
      yield invalid(`${at}.minDomains`, constraint.minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`)
    }
    yield* oneOfIfSet(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ['Honor', 'Ignore'])
    yield* oneOfIfSet(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ['Honor', 'Ignore'])
    yield* labelKeys(`${at}.matchLabelKeys`, constraint.matchLabelKeys, constraint.labelSelector)
    yield* labelSelector(`${at}.labelSelector`, constraint.labelSelector)
  }
}
