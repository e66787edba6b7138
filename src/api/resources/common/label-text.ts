// Labels and selectors as tables and `/scale` print them.
import type { LabelSelector } from '../../generated/types.ts'
import { labelSelectorOf } from '../../selector.ts'

/** `a=b,c=d`, ordered; empty where there are none. */
export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(',')

export const labelsOrNone = (labels: Readonly<Record<string, string>> | undefined): string => labelsText(labels) || '<none>'

/** The string form of a selector: requirements ordered by key. */
export const selectorText = (selector: LabelSelector | undefined): string => labelSelectorOf(selector).toString()

export const selectorOrNone = (selector: LabelSelector | undefined): string => selectorText(selector) || '<none>'
