// Subresources that the server itself answers by changing other fields or other objects.
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import type { Status } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { decodeStrict, schemas } from '../../api/schema/index.ts'
import { badRequestError } from '../../api/status-error.ts'
import { answerObject } from '../answer.ts'
import type { Call } from '../call.ts'
import { checkKindIs, parseBody } from '../request/decode.ts'

export interface OwnSubresource {
  readonly methods: readonly ApiRequest['method'][]
  readonly kind: { group: string; version: string; kind: string }
  run(call: Call): Promise<ApiResponse>
}

const success: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

export const answerSuccess = (call: Call): ApiResponse => answerObject(success, { status: 201, acceptObjects: call.request.acceptObjects })

/** The body as `kind` of `apiVersion`, type-checked; one of the older versions, equal in shape, counts as that. @throws StatusError 400 */
export async function bodyAs<T extends KubeObject>(call: Call, kind: string, apiVersion: string, ...older: string[]): Promise<T> {
  const { value } = await parseBody(call, kind)
  if (older.includes((value as KubeObject | null)?.apiVersion ?? '')) Object.assign(value as KubeObject, { apiVersion })
  checkKindIs(value, { apiVersion, kind })
  return decodeAs<T>(value, apiVersion, kind)
}

export function decodeAs<T extends KubeObject>(value: unknown, apiVersion: string, kind: string): T {
  const { object, errors } = decodeStrict<T>(schemas.ofKind(apiVersion, kind)!, value)
  if (errors[0]) throw badRequestError(`${kind} in version ${JSON.stringify(apiVersion.split('/').at(-1))} cannot be handled as a ${kind}: ${errors[0]}`)
  return object
}
