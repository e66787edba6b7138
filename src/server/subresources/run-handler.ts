// Runs the handlers of special subresources and virtual kinds.
import { parseJson } from '../../api/codec/json.ts'
import { parseProtobuf } from '../../api/codec/protobuf.ts'
import { parseYaml } from '../../api/codec/yaml.ts'
import type { ApiRequest, ApiResponse } from '../../api/exchange.ts'
import type { KubeObject } from '../../api/object.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Call } from '../call.ts'
import { checkKindIs } from '../request/decode.ts'
import { baseType, negotiateInput } from '../request/negotiate.ts'
import { parseDryRun } from '../request/query.ts'
import { clone } from '../store/bytes.ts'
import { decodeAs } from './own-subresource.ts'
import type { SubresourceCall, SubresourceHandler, SubresourceHandlers, UpgradedConnection } from './handler.ts'
import { methodNotAllowed } from '../verbs.ts'

function handlerName(group: string, plural: string, subresource: string): string {
  return [group, plural, subresource].filter((part) => part !== '').join('/')
}

export const subresourceHandler = (handlers: SubresourceHandlers, { info }: Call): SubresourceHandler | undefined =>
  handlers.get(handlerName(info.group, info.resource, info.subresource))

export async function runSubresource(handler: SubresourceHandler, call: Call): Promise<ApiResponse> {
  if (!handler.methods.includes(call.request.method)) throw methodNotAllowed()
  return handler.handle(await subresourceCall(call))
}

export async function upgradeSubresource(handler: SubresourceHandler, call: Call, connection: UpgradedConnection): Promise<void> {
  await handler.upgrade!(await subresourceCall(call), connection)
}

async function subresourceCall(call: Call): Promise<SubresourceCall> {
  const { request, resource, info, parts } = call
  const dryRun = parseDryRun(request.query.getAll('dryRun'), [])
  const yaml = Buffer.isBuffer(request.body) && baseType(request.headers['content-type']) === 'application/yaml' ? await parseYaml(request.body) : undefined
  return {
    request, user: call.user, attributes: call.attributes, definition: resource.definition, rest: info.rest, reader: parts.reader, dryRun, warn: call.warn,
    body<T>(expected?: { apiVersion: string; kind: string }): T {
      const object = (yaml ? yaml.value : bodyOf(request, expected?.kind)) as KubeObject
      if (!expected) return object as T
      checkKindIs(object, expected)
      return { ...decodeAs<KubeObject>(object, expected.apiVersion, expected.kind), ...expected } as T
    },
    async admit(operation, draft) {
      const input = { operation, draft: draft as KubeObject | undefined, dryRun }
      await admitMutating(call, input)
      await admitValidating(call, input)
    },
  }
}

function bodyOf({ body, headers }: ApiRequest, kind = 'object'): unknown {
  if (body !== undefined && !Buffer.isBuffer(body)) return clone(body)
  if (negotiateInput(headers['content-type']) === 'protobuf') return parseProtobuf(body ?? Buffer.alloc(0))
  return parseJson(body ?? Buffer.alloc(0), { mustBe: kind }).value
}
