// The verbs on resources: from a routed, authorized call to its answer.
import type { ApiResponse } from '../api/exchange.ts'
import type { DeleteOptions, Status } from '../api/generated/types.ts'
import { badRequestError, notFoundError, StatusError } from '../api/status-error.ts'
import { answerObject } from './answer.ts'
import type { Call } from './call.ts'
import { forbiddenByAuthorizer } from './authorization/forbidden.ts'
import { keyOf, scopeOf } from './registry.ts'
import { decodeBody, parseBody } from './request/decode.ts'
import { deleteOptionsOf } from './request/delete-options.ts'
import { parseListOptions, parseWriteOptions } from './request/query.ts'
import { answerList } from './respond/list.ts'
import { answerStored } from './respond/object.ts'
import { answerWatch } from './respond/watch.ts'
import { clone } from './store/bytes.ts'
import { createObject } from './store/create.ts'
import { deleteAll, deleteObject } from './store/delete.ts'
import { patchKindOf, patchObject } from './store/patch.ts'
import { selectionOf } from './store/selection.ts'
import { settleNamespace } from './store/object-metadata.ts'
import { updateObject } from './store/update.ts'
import { watchLifetime } from './watch-lifetime.ts'

export const methodNotAllowed = () => new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

export async function runVerb(call: Call): Promise<ApiResponse> {
  const { deprecated } = call.resource.version
  if (deprecated) call.warn(deprecated)
  switch (call.info.verb) {
    case 'get': return get(call)
    case 'list': return list(call)
    case 'watch': return watch(call)
    case 'create': return create(call)
    case 'update': return update(call)
    case 'patch': return patch(call)
    case 'delete': return remove(call)
    case 'deletecollection': return removeCollection(call)
    default: throw methodNotAllowed()
  }
}

async function get(call: Call): Promise<ApiResponse> {
  const { resource, info, parts, request } = call
  const wanted = request.query.get('resourceVersion')
  if (wanted && wanted !== '0') await parts.cache.reached(revisionOf(wanted), request.signal)
  else await parts.cache.latest()
  const entry = parts.cache.get(keyOf(resource, info.namespace, info.name))
  if (!entry) throw notFoundError(resource.groupResource, info.name)
  return answerStored(call, { object: entry.object(), entry })
}

function revisionOf(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new StatusError(500, '', `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

async function select(call: Call) {
  const { resource, info, parts, request } = call
  const options = parseListOptions(request.query)
  const list = await parts.cache.list({
    scope: scopeOf(resource, info.namespace), selection: selectionOf(resource, options.labels, options.fields), limit: options.limit || undefined,
    continue: options.continue, resourceVersion: options.resourceVersion, resourceVersionMatch: options.resourceVersionMatch, signal: request.signal,
  })
  return { list, options }
}

const list = async (call: Call): Promise<ApiResponse> => answerList(call, (await select(call)).list)

function watch(call: Call): ApiResponse {
  const { resource, info, parts, request } = call
  const options = parseListOptions(request.query)
  const byName = info.name && !info.subresource && !request.query.has('fieldSelector')
  const selection = selectionOf(resource, options.labels, options.fields)
  const lifetime = watchLifetime(call, options.timeoutSeconds)
  const events = parts.cache.watch({
    scope: byName ? keyOf(resource, info.namespace, info.name) : scopeOf(resource, info.namespace), selection, resourceVersion: options.resourceVersion,
    sendInitialEvents: options.sendInitialEvents, allowWatchBookmarks: options.allowWatchBookmarks, signal: lifetime.signal,
  })
  lifetime.beforeEnd(() => events.requestBookmark())
  return answerWatch(call, events, lifetime.end)
}

async function create(call: Call): Promise<ApiResponse> {
  if (call.info.name) throw methodNotAllowed()
  const options = parseWriteOptions(call.request.query, 'CreateOptions', call.request.headers['user-agent'])
  const draft = await decodeBody(call, options)
  warnStoredOnly(call, draft)
  return answerStored(call, await createObject(call, draft, options), 201)
}

async function update(call: Call): Promise<ApiResponse> {
  const { info, request, resource } = call
  if (!info.name) throw methodNotAllowed()
  const options = parseWriteOptions(request.query, 'UpdateOptions', request.headers['user-agent'])
  const draft = await decodeBody(call, options)
  const metadata = (draft.metadata ??= {})
  settleNamespace(resource.definition, metadata, info.namespace)
  if (!metadata.name) throw badRequestError(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`)
  if (metadata.name !== info.name) throw badRequestError(`the name of the object (${metadata.name}) does not match the name on the URL (${info.name})`)
  warnStoredOnly(call, draft)
  const subresource = writeSubresource(call)
  const written = await updateObject(call, { name: info.name, options, subresource, uidIsPrecondition: true, draft: () => clone(draft), authorizeCreate: () => authorizeCreate(call) })
  return answerStored(call, written, written.created ? 201 : 200)
}

async function patch(call: Call): Promise<ApiResponse> {
  const { info, request } = call
  if (!info.name) throw methodNotAllowed()
  const kind = patchKindOf(request.headers['content-type'])
  const options = parseWriteOptions(request.query, 'PatchOptions', request.headers['user-agent'], kind === 'apply')
  const written = await patchObject(call, { kind, options, authorizeCreate: () => authorizeCreate(call), subresource: writeSubresource(call) })
  warnStoredOnly(call, written.object)
  return answerStored(call, written, written.created ? 201 : 200)
}

const writeSubresource = ({ info, resource }: Call) => (info.subresource ? resource.definition.subresources![info.subresource] : undefined)

function warnStoredOnly(call: Call, draft: object): void {
  const text = call.info.subresource ? undefined : call.resource.definition.storedOnly?.(draft)
  if (text) call.warn(text)
}

/** An update or apply that makes a new object needs the right to create. */
function authorizeCreate(call: Call): void {
  const attributes = { ...call.attributes, verb: 'create' }
  const { verdict, reason } = call.parts.authorizer.authorize(attributes)
  if (verdict !== 'allow') throw forbiddenByAuthorizer(attributes, reason)
}

async function deleteOptions(call: Call) {
  const { body } = call.request
  const given = body === undefined || (Buffer.isBuffer(body) && body.length === 0) ? undefined : (await parseBody(call, 'DeleteOptions')).value
  return deleteOptionsOf(given, call.request.query)
}

async function remove(call: Call): Promise<ApiResponse> {
  const { info, resource, request } = call
  const options = await deleteOptions(call)
  warnPreservedPods(call, options)
  const deleted = await deleteObject(call, { namespace: info.namespace, name: info.name }, options)
  const status = !deleted.gone && options.orphanDependents === false ? 202 : 200
  if (returnsObject(call, deleted.gone || deleted.pending)) return answerStored(call, deleted, status)
  const { group, plural } = resource.definition
  const success: Status = {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success',
    details: { name: info.name, ...(group ? { group } : {}), kind: plural, uid: deleted.object.metadata?.uid },
  }
  return answerObject(success, { status, acceptObjects: request.acceptObjects })
}

/** Kinds whose deletion answers with the object (source: `ReturnDeletedObject` in pkg/registry). */
const answersWithObject = new Set([
  'pods', 'services', 'namespaces', 'persistentvolumes', 'persistentvolumeclaims', 'podtemplates', 'resourcequotas', 'serviceaccounts',
  'csidrivers.storage.k8s.io', 'csinodes.storage.k8s.io', 'storageclasses.storage.k8s.io', 'volumeattachments.storage.k8s.io', 'volumeattributesclasses.storage.k8s.io',
  'resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io', 'resourceslices.resource.k8s.io', 'deviceclasses.resource.k8s.io', 'devicetaintrules.resource.k8s.io',
])

/** What is not gone yet is always answered with the object. */
function returnsObject({ resource: { definition } }: Call, final: boolean): boolean {
  return !final || answersWithObject.has(definition.group ? `${definition.plural}.${definition.group}` : definition.plural)
}

/** Jobs alone keep their pods by default, which surprises. */
function warnPreservedPods({ resource, warn }: Call, { propagationPolicy, orphanDependents }: DeleteOptions): void {
  const { group, plural, defaultPropagation } = resource.definition
  if (group !== 'batch' || plural !== 'jobs' || defaultPropagation !== 'Orphan' || propagationPolicy !== undefined || orphanDependents !== undefined) return
  warn('child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning')
}

async function removeCollection(call: Call): Promise<ApiResponse> {
  const options = await deleteOptions(call)
  warnPreservedPods(call, options)
  const { list } = await select(call)
  await deleteAll(call, list.entries, options)
  return answerList(call, list)
}

