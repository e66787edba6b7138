// Keeps what a namespace uses within its quotas. The usage stands in the quotas' own status: it is raised here, under a condition on the revision, before
// the object is written, and summed up anew by the quota controller, which also lowers it (source: k8s.io/apiserver/pkg/admission/plugin/resourcequota).
import type { Pod, ResourceQuota } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import type { ResourceAmounts } from '../../api/pod-resources.ts'
import { describeAmounts, inScope, isTerminatingPod, missingRequests, quotaUsage, trackedNames, zeroAmount } from '../../api/quota.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { resourcequotas } from '../../api/refs.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { currentOf, draftOf, forbid, resourceOf } from './requests.ts'

interface ResourceQuotaOptions {
  reader: ObjectReader
  /** With the server's own rights; asked for when a quota must be written. */
  client(): Client
  clock: Clock
}

const attempts = 4

export function createResourceQuota({ reader, client, clock }: ResourceQuotaOptions): AdmissionPlugin {
  const inTurn = createTurns()
  return {
    name: 'ResourceQuota',
    handles: (request) => request.definition.namespaced && changesUsage(request) && reader.list(resourcequotas, request.attributes.namespace).length > 0,
    validate: (request) => inTurn(request.attributes.namespace, async () => {
      for (let attempt = 1; ; attempt++) {
        const raised = charge(request, reader.list(resourcequotas, request.attributes.namespace), clock.now())
        if (request.dryRun || !raised.length) return
        try {
          for (const quota of raised) await client().resource(resourcequotas, request.attributes.namespace).updateStatus(quota)
          return
        } catch (error) {
          // Another writer was first: look again. What was raised already stays until the controller sums up.
          if (!(error instanceof StatusError && error.reason === 'Conflict') || attempt === attempts) throw error
        }
      }
    }),
  }
}

const ignored = new Set(['events', 'events.events.k8s.io', 'bindings', 'localsubjectaccessreviews.authorization.k8s.io'])

function changesUsage(request: AdmissionRequest): boolean {
  const { operation, attributes: { subresource } } = request
  const kind = resourceOf(request)
  if (ignored.has(kind)) return false
  if (operation === 'CREATE') return subresource === ''
  if (operation !== 'UPDATE') return false
  if (kind === 'pods') {
    return subresource === 'resize' || (subresource === '' && isTerminatingPod(draftOf<Pod>(request)) !== isTerminatingPod(currentOf<Pod>(request)))
  }
  if (kind === 'services') return subresource === ''
  return kind === 'persistentvolumeclaims' && (subresource === '' || subresource === 'status')
}

/** The quotas whose usage rises, with their new status. @throws StatusError when one is exceeded. */
function charge(request: AdmissionRequest, quotas: readonly Stored<ResourceQuota>[], now: number): Stored<ResourceQuota>[] {
  const kind = resourceOf(request)
  const draft = request.draft!
  const matching = quotas.map((quota) => ({ quota, names: trackedNames(kind, Object.keys(quota.status?.hard ?? {})) }))
    .filter(({ quota, names }) => names.length > 0 && inScope(quota, kind, draft))
  for (const { quota, names } of matching) {
    const missing = kind === 'pods' && missingRequests(draft as Pod, names)
    if (missing) throw forbid(request, `failed quota: ${quota.metadata.name}: ${missing}`)
    const unknown = names.filter((name) => quota.status?.used?.[name] === undefined)
    if (unknown.length) throw forbid(request, `status unknown for quota: ${quota.metadata.name}, resources: ${names.join(',')}`)
  }
  if (!matching.length) return []
  const usage = quotaUsage(kind, draft, now)
  const negative = [...usage].filter(([, amount]) => amount.compare(zeroAmount) < 0).map(([name]) => name)
  if (negative.length) throw forbid(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  return matching.flatMap(({ quota, names }) => raise(request, quota, increase({ request, quota, usage, names, now })) ?? [])
}

interface Increase {
  request: AdmissionRequest
  quota: ResourceQuota
  usage: ResourceAmounts
  names: readonly string[]
  now: number
}

/** What the write adds to the quota; what an object that was counted already used is not counted twice. */
function increase({ request, quota, usage, names, now }: Increase): ResourceAmounts {
  const kind = resourceOf(request)
  const current: KubeObject | undefined = request.operation === 'UPDATE' ? request.current : undefined
  const before = current && inScope(quota, kind, current) ? quotaUsage(kind, current, now) : new Map<string, never>()
  return new Map([...usage].filter(([name]) => names.includes(name)).flatMap(([name, amount]) => {
    const used = before.get(name)
    const more = used ? amount.sub(used) : amount
    return more.compare(zeroAmount) > 0 ? [[name, more]] : []
  }))
}

function raise(request: AdmissionRequest, quota: Stored<ResourceQuota>, more: ResourceAmounts): Stored<ResourceQuota> | undefined {
  if (!more.size) return undefined
  const { hard = {}, used = {} } = quota.status ?? {}
  const sums = new Map([...more].map(([name, amount]) => [name, parseQuantity(used[name]!).add(amount)]))
  const exceeded = [...sums].filter(([name, sum]) => sum.compare(parseQuantity(hard[name]!)) > 0).map(([name]) => name)
  if (exceeded.length && request.attributes.subresource !== 'status') {
    const only = (amount: (name: string) => string) => describeAmounts(new Map(exceeded.map((name) => [name, parseQuantity(amount(name))])))
    const [requested, before, limited] = [only((name) => String(more.get(name))), only((name) => used[name]!), only((name) => hard[name]!)]
    throw forbid(request, `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${before}, limited: ${limited}`)
  }
  return { ...quota, status: { hard, used: { ...used, ...Object.fromEntries([...sums].map(([name, sum]) => [name, String(sum)])) } } }
}

/** Work on one namespace is done one after the other. */
function createTurns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work)
    const settled = turn.catch(() => undefined)
    last.set(key, settled)
    try {
      return await turn
    } finally {
      if (last.get(key) === settled) last.delete(key)
    }
  }
}
