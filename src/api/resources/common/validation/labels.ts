// Labels, annotations and selectors (source: k8s.io/apimachinery validation of metav1).
import { forbidden, invalid, required, tooLong } from '../../../field-error.ts'
import type { LabelSelector, LabelSelectorRequirement } from '../../../generated/types.ts'
import { isLabelValue, isQualifiedName } from '../../../names.ts'
import { type Findings, messages, qualifiedName } from './findings.ts'

type Texts = Readonly<Record<string, string>>

export function* labels(field: string, map: Texts | undefined): Findings {
  for (const [key, value] of Object.entries(map ?? {})) {
    yield* qualifiedName(field, key)
    yield* messages(field, value, isLabelValue(value))
  }
}

const annotationsLimit = 256 * 1024

export function* annotations(field: string, map: Texts | undefined): Findings {
  let size = 0
  for (const [key, value] of Object.entries(map ?? {})) {
    yield* messages(field, key, isQualifiedName(key.toLowerCase()))
    size += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (size > annotationsLimit) yield tooLong(field, annotationsLimit)
}

function* requirement(field: string, { key, operator, values = [] }: LabelSelectorRequirement): Findings {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) yield required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) yield forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
  } else yield invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator')
  yield* qualifiedName(`${field}.key`, key)
  for (const [index, value] of values.entries()) yield* messages(`${field}.values[${index}]`, value, isLabelValue(value))
}

export function* labelSelector(field: string, selector: LabelSelector | undefined): Findings {
  yield* labels(`${field}.matchLabels`, selector?.matchLabels)
  for (const [index, expression] of (selector?.matchExpressions ?? []).entries()) yield* requirement(`${field}.matchExpressions[${index}]`, expression)
}

/** Whether a selector can be evaluated at all. */
export const isReadable = (selector: LabelSelector): boolean => labelSelector('', selector).next().done === true

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0
