// `pods/binding` and the older `bindings`: gives a pod its node (source: pkg/registry/core/pod/storage `BindingREST`).
import { rfc3339 } from '../../base/clock.ts'
import { notSupported, required, type FieldError } from '../../api/field-error.ts'
import type { Binding, Pod } from '../../api/generated/types.ts'
import { badRequestError, conflictError, StatusError } from '../../api/status-error.ts'
import { admitMutating, admitValidating } from '../admission-chain.ts'
import type { Call } from '../call.ts'
import { parseWriteOptions } from '../request/query.ts'
import { clone } from '../store/bytes.ts'
import { updateObject } from '../store/update.ts'
import { withCondition } from './conditions.ts'
import { answerSuccess, bodyAs, type OwnSubresource } from './own-subresource.ts'

export const binding: OwnSubresource = {
  methods: ['POST'],
  kind: { group: '', version: 'v1', kind: 'Binding' },
  async run(call) {
    const body = await bodyAs<Binding>(call, 'Binding', 'v1')
    const legacy = call.info.resource === 'bindings'
    if (!legacy && body.metadata?.name !== call.info.name) throw badRequestError('name in URL does not match name in Binding object')
    const name = legacy ? (body.metadata?.name ?? '') : call.info.name
    await assign(call, name, body)
    return answerSuccess(call)
  },
}

/** Upstream does not wrap these into a Status of reason Invalid. */
function check({ target }: Binding): void {
  const refuse = ({ field, message }: FieldError) => new StatusError(500, '', `${field}: ${message}`)
  if (target.kind && target.kind !== 'Node') throw refuse(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target.name) throw refuse(required('target.name'))
}

async function assign(call: Call, name: string, body: Binding): Promise<void> {
  check(body)
  const options = parseWriteOptions(call.request.query, 'CreateOptions', call.request.headers['user-agent'])
  const admission = { operation: 'CREATE', draft: body, dryRun: options.dryRun, name } as const
  await admitMutating(call, admission)
  await admitValidating(call, admission)
  const now = rfc3339(call.parts.clock.now())
  const pods = call.parts.registry.find('', 'v1', 'pods')!
  await updateObject({ ...call, resource: pods }, {
    name, options, partial: true, uidIsPrecondition: true,
    draft(current) {
      const draft = clone(current) as Pod
      const refuse = (why: string) => conflictError({ group: '', resource: 'pods/binding' }, name, why)
      if (draft.metadata?.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
      if (draft.spec?.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(draft.spec.nodeName)}`)
      if (draft.spec?.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`)
      return bound(draft, body, now)
    },
  })
}

function bound(draft: Pod, body: Binding, now: string): Pod {
  const metadata = draft.metadata!
  if (body.metadata?.uid) metadata.uid = body.metadata.uid
  if (body.metadata?.resourceVersion) metadata.resourceVersion = body.metadata.resourceVersion
  draft.spec!.nodeName = body.target.name!
  if (body.metadata?.annotations) metadata.annotations = { ...metadata.annotations, ...body.metadata.annotations }
  if (body.metadata?.labels) metadata.labels = { ...metadata.labels, ...body.metadata.labels }
  const status = (draft.status ??= {})
  delete status.nominatedNodeName
  status.conditions = withCondition(status.conditions, { type: 'PodScheduled', status: 'True' }, now)
  return draft
}
