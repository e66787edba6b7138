// Labels and selectors as tables and `/scale` print them.
import type { LabelSelector } from '../../generated/types.ts'

/** `a=b,c=d`, ordered; empty where there are none. */
export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(',')

export const labelsOrNone = (labels: Readonly<Record<string, string>> | undefined): string => labelsText(labels) || '<none>'

const expressionText = (key: string, operator: string, values: readonly string[]): string => {
  if (operator === 'Exists') return key
  if (operator === 'DoesNotExist') return `!${key}`
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`
}

/** The string form of a selector: requirements ordered by key. */
export function selectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  const others = (selector?.matchExpressions ?? []).map((e) => ({ key: e.key, text: expressionText(e.key, e.operator, e.values ?? []) }))
  return [...equal, ...others].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map((r) => r.text).join(',')
}

export const selectorOrNone = (selector: LabelSelector | undefined): string => selectorText(selector) || '<none>'
