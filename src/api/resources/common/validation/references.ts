import { required } from '../../../field-error.ts'
import { isDnsSubdomain, isPathSegmentName } from '../../../names.ts'
import { checked, type Findings, requiredAnd } from './findings.ts'

interface Reference {
  apiGroup?: string
  kind?: string
  name?: string
}

/** A reference by group, kind and name. */
export function* typedReference(field: string, reference: Reference): Findings {
  if (reference.apiGroup) yield* checked(`${field}.apiGroup`, reference.apiGroup, isDnsSubdomain)
  yield* requiredAnd(`${field}.kind`, reference.kind, isPathSegmentName)
  yield* requiredAnd(`${field}.name`, reference.name, isPathSegmentName)
}

/** A non-empty list of texts. */
export function* filled(field: string, list: readonly unknown[] | undefined, detail: string): Findings {
  if (!list?.length) yield required(field, detail)
}
