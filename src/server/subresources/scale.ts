// `*/scale`: the replica count of a workload as an object of its own kind, autoscaling/v1 Scale.
import type { ApiResponse } from '../../api/exchange.ts'
import { invalid } from '../../api/field-error.ts'
import type { Scale } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { ScaleSubresource } from '../../api/resource.ts'
import { schemas } from '../../api/schema/index.ts'
import { badRequestError, invalidError, notFoundError } from '../../api/status-error.ts'
import { answerObject } from '../answer.ts'
import type { Call } from '../call.ts'
import { keyOf } from '../registry.ts'
import { parseWriteOptions } from '../request/query.ts'
import { clone } from '../store/bytes.ts'
import { mergers, parsePatch, patchKindOf } from '../store/patch.ts'
import { updateObject } from '../store/update.ts'
import { bodyAs, decodeAs, type OwnSubresource } from './own-subresource.ts'

const apiVersion = 'autoscaling/v1'

export const scale: OwnSubresource = {
  methods: ['GET', 'PUT', 'PATCH'],
  kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  async run(call) {
    if (call.request.method === 'GET') return answer(call, present(call))
    return call.request.method === 'PUT' ? put(call) : patch(call)
  },
}

const answer = (call: Call, object: Stored<KubeObject>): ApiResponse =>
  answerObject(scaleOf(call.resource.definition.scale!, object), { acceptObjects: call.request.acceptObjects })

function present(call: Call): Stored<KubeObject> {
  const entry = call.parts.cache.get(keyOf(call.resource, call.info.namespace, call.info.name))
  if (!entry) throw notFoundError(call.resource.groupResource, call.info.name)
  return entry.object()
}

function scaleOf(definition: ScaleSubresource, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata!
  const selector = definition.selector(object)
  const replicas = Number(readField(object, definition.specReplicasPath) ?? 0)
  return {
    kind: 'Scale', apiVersion, metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: Number(readField(object, definition.statusReplicasPath) ?? 0), ...(selector ? { selector } : {}) },
  }
}

async function put(call: Call): Promise<ApiResponse> {
  const body = await bodyAs<Scale>(call, 'Scale', apiVersion)
  if (body.metadata?.name && body.metadata.name !== call.info.name) {
    throw badRequestError(`the name of the object (${body.metadata.name}) does not match the name on the URL (${call.info.name})`)
  }
  const options = parseWriteOptions(call.request.query, 'UpdateOptions', call.request.headers['user-agent'])
  return write(call, options, () => body)
}

async function patch(call: Call): Promise<ApiResponse> {
  const kind = patchKindOf(call.request.headers['content-type'])
  const options = parseWriteOptions(call.request.query, 'PatchOptions', call.request.headers['user-agent'], kind === 'apply')
  const { value: wanted } = await parsePatch(call, kind)
  const schema = schemas.ofKind(apiVersion, 'Scale')!
  return write(call, options, (now) => decodeAs<Scale>(mergers[kind === 'apply' ? 'merge' : kind](now, wanted, schema), apiVersion, 'Scale'))
}

async function write(call: Call, options: ReturnType<typeof parseWriteOptions>, wanted: (now: Scale) => Scale): Promise<ApiResponse> {
  const definition = call.resource.definition.scale!
  const { object } = await updateObject(call, {
    name: call.info.name, options, partial: true, uidIsPrecondition: true, asClient: true, mustExist: true,
    draft(current) {
      const scale = wanted(scaleOf(definition, current!))
      const replicas = scale.spec?.replicas ?? 0
      if (replicas < 0) throw invalidError({ group: 'autoscaling', kind: 'Scale' }, call.info.name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
      const draft = clone(current!) as Stored<KubeObject>
      if (scale.metadata?.uid) draft.metadata.uid = scale.metadata.uid
      draft.metadata.resourceVersion = scale.metadata?.resourceVersion || draft.metadata.resourceVersion
      setField(draft, definition.specReplicasPath, replicas)
      return draft
    },
  })
  return answer(call, object as Stored<KubeObject>)
}

const steps = (path: string) => path.split('.').filter((step) => step !== '')

const readField = (object: object, path: string): unknown =>
  steps(path).reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined), object)

function setField(object: object, path: string, value: unknown): void {
  const [last, ...before] = steps(path).reverse()
  const parent = before.reverse().reduce((at, step) => (at[step] ??= {}) as Record<string, unknown>, object as Record<string, unknown>)
  parent[last!] = value
}
