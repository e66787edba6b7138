// DeleteOptions come as a body, or in the query (source: k8s.io/apimachinery/pkg/apis/meta/v1/validation `ValidateDeleteOptions`).
import { invalid, notSupported, type FieldError } from '../../api/field-error.ts'
import type { DeleteOptions } from '../../api/generated/types.ts'
import { decodeStrict, schemas } from '../../api/schema/index.ts'
import { badRequestError } from '../../api/status-error.ts'
import { isTrue } from './path.ts'
import { check, parseDryRun } from './query.ts'

const policies = ['Foreground', 'Background', 'Orphan']

export function deleteOptionsOf(body: unknown, query: URLSearchParams): DeleteOptions {
  const options = body === undefined ? fromQuery(query) : fromBody(body)
  const errors: FieldError[] = []
  if (options.orphanDependents !== undefined && options.propagationPolicy !== undefined) {
    errors.push(invalid('propagationPolicy', options.propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (options.propagationPolicy !== undefined && !policies.includes(options.propagationPolicy)) {
    errors.push(notSupported('propagationPolicy', options.propagationPolicy, [...policies, 'nil']))
  }
  parseDryRun(options.dryRun ?? [], errors)
  check('DeleteOptions', errors)
  return options
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const options: DeleteOptions = {}
  const grace = query.get('gracePeriodSeconds')
  if (grace) {
    if (!/^-?\d+$/.test(grace)) throw badRequestError(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`)
    options.gracePeriodSeconds = Number(grace)
  }
  if (query.has('orphanDependents')) options.orphanDependents = isTrue(query.get('orphanDependents'))
  if (query.has('propagationPolicy')) options.propagationPolicy = query.get('propagationPolicy')!
  if (query.has('dryRun')) options.dryRun = query.getAll('dryRun')
  return options
}

function fromBody(body: unknown): DeleteOptions {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequestError('the body of a deletion must be DeleteOptions')
  const { kind, apiVersion } = body as DeleteOptions
  if (kind && kind !== 'DeleteOptions') {
    throw badRequestError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion || 'meta.k8s.io/v1')} in scheme "pkg/runtime/scheme.go:111"`)
  }
  const { object, errors } = decodeStrict<DeleteOptions>(schemas.definition('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'), body)
  if (errors[0] !== undefined) throw badRequestError(errors[0])
  return object
}
