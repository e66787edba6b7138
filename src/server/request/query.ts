// Options in the query string, checked and worded as upstream does (sources: k8s.io/apimachinery/pkg/apis/meta/v1 and internalversion/validation).
import { invalid, notSupported, required, forbidden, type FieldError } from '../../api/field-error.ts'
import { badRequestError, invalidError } from '../../api/status-error.ts'
import { parseFieldSelector, parseLabelSelector, type FieldSelector, type LabelSelector } from '../../api/selector.ts'
import { isTrue } from './path.ts'

interface ListOptions {
  labels: LabelSelector | undefined
  fields: FieldSelector | undefined
  resourceVersion: string
  resourceVersionMatch: string
  limit: number
  continue: string
  watch: boolean
  allowWatchBookmarks: boolean
  /** Undefined where the parameter is missing. */
  sendInitialEvents: boolean | undefined
  timeoutSeconds: number | undefined
}

export interface WriteOptions {
  dryRun: boolean
  /** Empty when the caller named none. */
  fieldManager: string
  fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  force: boolean | undefined
}

export function parseListOptions(query: URLSearchParams): ListOptions {
  const fieldSelector = query.get('fieldSelector')
  const labelSelector = query.get('labelSelector')
  const options: ListOptions = {
    labels: labelSelector ? parseLabelSelector(labelSelector) : undefined,
    fields: fieldSelector ? parseFieldSelector(fieldSelector) : undefined,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    limit: integer(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    watch: isTrue(query.get('watch')),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  }
  if (options.resourceVersionMatch !== '' || options.sendInitialEvents !== undefined || options.continue !== '') check('ListOptions', validateList(options))
  return options
}

function validateList(o: ListOptions): FieldError[] {
  if (o.watch) return validateWatch(o)
  const errors: FieldError[] = []
  if (o.sendInitialEvents !== undefined) errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  const match = o.resourceVersionMatch
  if (match !== '') {
    if (o.resourceVersion === '') errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (o.continue !== '') errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && o.resourceVersion === '0') errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  return errors
}

function validateWatch(o: ListOptions): FieldError[] {
  const errors: FieldError[] = []
  const match = o.resourceVersionMatch
  if (o.sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      errors.push(forbidden('resourceVersionMatch', `sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`))
    }
  } else if (match !== '') errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
  if (match !== '' && match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan', '']))
  if (o.continue !== '') errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
  return errors
}

export function parseWriteOptions(query: URLSearchParams, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', userAgent = '', isApply = false): WriteOptions {
  const errors: FieldError[] = []
  const fieldManager = query.get('fieldManager') ?? ''
  const force = query.has('force') ? isTrue(query.get('force')) : undefined
  if (kind === 'PatchOptions' && isApply && fieldManager === '') errors.push(required('fieldManager', 'is required for apply patch'))
  if (kind === 'PatchOptions' && !isApply && force !== undefined) errors.push(forbidden('force', 'may not be specified for non-apply patch'))
  if (fieldManager.length > 128) errors.push({ type: 'FieldValueTooLong', field: 'fieldManager', message: 'Too long: may not be more than 128 bytes' })
  if (/[^\P{C}]/u.test(fieldManager)) errors.push(invalid('fieldManager', fieldManager, 'should only contain printable characters'))
  const dryRun = parseDryRun(query.getAll('dryRun'), errors)
  const fieldValidation = query.get('fieldValidation') || 'Warn'
  const validations = ['', 'Ignore', 'Strict', 'Warn']
  if (!validations.includes(fieldValidation)) errors.push(notSupported('fieldValidation', fieldValidation, validations))
  check(kind, errors)
  return { dryRun, fieldManager: fieldManager || managerOf(userAgent), fieldValidation: fieldValidation as WriteOptions['fieldValidation'], force }
}

export function parseDryRun(values: readonly string[], errors: FieldError[]): boolean {
  for (const value of values) if (value !== '' && value !== 'All') errors.push(notSupported('dryRun', values, ['All']))
  return values.includes('All')
}

/** The part of the user agent before the first slash, printable and at most 128 long (source: `managerOrUserAgent`). */
const managerOf = (userAgent: string): string => userAgent.split('/', 1)[0]!.replace(/[^\P{C}]/gu, '').slice(0, 128)

export function check(kind: string, errors: readonly FieldError[], group = 'meta.k8s.io'): void {
  if (errors.length > 0) throw invalidError({ group, kind }, '', errors)
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[+-]?\d{1,18}$/.test(text)) throw badRequestError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}
