// Label and field selectors, read and written as upstream does (source: k8s.io/apimachinery/pkg/labels, pkg/fields).
import type { LabelSelector as WireLabelSelector } from './generated/types.ts'
import { integer, parseRequirements, type Requirement, type SelectorOperator, SelectorSyntaxError } from './selector-syntax.ts'
import { badRequestError } from './status-error.ts'

export { type FieldSelector, parseFieldSelector } from './field-selector.ts'

export interface LabelSelector {
  readonly requirements: readonly Requirement[]
  /** Whether it matches everything. */
  readonly empty: boolean
  matches(labels: Readonly<Record<string, string>> | undefined): boolean
  toString(): string
}

type Labels = Readonly<Record<string, string>>

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  if (operator === 'exists') return value !== undefined
  if (operator === '!') return value === undefined
  if (operator === '!=' || operator === 'notin') return value === undefined || !values.includes(value)
  if (value === undefined) return false
  if (operator !== 'gt' && operator !== 'lt') return values.includes(value)
  const left = integer(value)
  const right = integer(values[0] ?? '')
  if (left === undefined || right === undefined) return false
  return operator === 'gt' ? left > right : left < right
}

function render({ key, operator, values }: Requirement): string {
  if (operator === 'exists') return key
  if (operator === '!') return `!${key}`
  if (operator === 'gt' || operator === 'lt') return `${key}${operator === 'gt' ? '>' : '<'}${values[0]}`
  return operator === 'in' || operator === 'notin' ? `${key} ${operator} (${values.join(',')})` : `${key}${operator}${values[0]}`
}

const none: Labels = {}

function selectorOf(unsorted: readonly Requirement[]): LabelSelector {
  const requirements = [...unsorted].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return {
    requirements,
    empty: requirements.length === 0,
    matches: (labels = none) => requirements.every((r) => meets(r, labels)),
    toString: () => requirements.map(render).join(','),
  }
}

const everything: LabelSelector = selectorOf([])
export const nothing: LabelSelector = { requirements: [], empty: false, matches: () => false, toString: () => '' }

/** A selector for exactly these labels. */
export const selectorFromLabels = (labels: Labels): LabelSelector =>
  selectorOf(Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] })))

const wireOperators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** Of a selector field: absent matches nothing, empty everything. An invalid one (validation refuses it) matches nothing. */
export function labelSelectorOf(selector: WireLabelSelector | undefined | null): LabelSelector {
  if (!selector) return nothing
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = wireOperators[operator]
    if (!known) return nothing
    requirements.push({ key, operator: known, values: [...new Set(values ?? [])].sort() })
  }
  return requirements.length ? selectorOf(requirements) : everything
}

/** As in `labelSelector=`. @throws StatusError 400 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return everything
  try {
    return selectorOf(parseRequirements(text))
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequestError(error.message)
    throw error
  }
}
