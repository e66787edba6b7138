// Validation errors as upstream's `field.Error` words them (source: k8s.io/apimachinery/pkg/util/validation/field).

type FieldErrorType =
  | 'FieldValueNotFound' | 'FieldValueRequired' | 'FieldValueDuplicate' | 'FieldValueInvalid' | 'FieldValueNotSupported'
  | 'FieldValueForbidden' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'InternalError' | 'FieldValueTypeInvalid'

export interface FieldError {
  type: FieldErrorType
  /** As in `spec.containers[0].name` or `metadata.labels[key]`. */
  field: string
  /** Without the field: `Required value: must be set`. */
  message: string
}

const shown = (value: unknown): string => (value === undefined || value === null ? 'null' : JSON.stringify(value))
const withDetail = (head: string, detail: string) => (detail ? `${head}: ${detail}` : head)

export const required = (field: string, detail = ''): FieldError => ({ type: 'FieldValueRequired', field, message: withDetail('Required value', detail) })
export const forbidden = (field: string, detail = ''): FieldError => ({ type: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) })
export const invalid = (field: string, value: unknown, detail = ''): FieldError => ({
  type: 'FieldValueInvalid', field, message: withDetail(`Invalid value: ${shown(value)}`, detail),
})
export const duplicate = (field: string, value: unknown): FieldError => ({ type: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` })
export const notFound = (field: string, value: unknown): FieldError => ({ type: 'FieldValueNotFound', field, message: `Not found: ${shown(value)}` })
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported', field, message: `Unsupported value: ${shown(value)}: supported values: ${[...supported].map((s) => JSON.stringify(s)).join(', ')}`,
})
export const tooLong = (field: string, limit: number): FieldError => ({ type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${limit} bytes` })
export const tooMany = (field: string, actual: number, limit: number): FieldError => ({
  type: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${limit} items`,
})
