// Verbs on kinds, as requests on paths.
import type { DeleteOptions } from '../api/generated/types.ts'
import { apiVersionOf, type KubeList, type KubeObject, type Stored } from '../api/object.ts'
import type { ResourceRef } from '../api/resource.ts'
import type { Client, ListOptions, PatchOptions, PatchType, ResourceClient, WatchOptions, WriteOptions } from './client.ts'
import type { Transport, TransportRequest } from './transport.ts'

export function createClient(transport: Transport): Client {
  return {
    resource: (ref, namespace) => createResourceClient(transport, ref, namespace),
    request: async <R>(method: string, path: string, body?: unknown) => {
      const [pathname, query] = path.split('?', 2)
      const request = { method: method as 'GET', path: pathname ?? path, query: new URLSearchParams(query) }
      return (await transport.send(body === undefined ? request : { ...request, body })) as R
    },
  }
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json', merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json', apply: 'application/apply-patch+yaml',
}

function createResourceClient<T extends KubeObject>(transport: Transport, ref: ResourceRef<T>, namespace?: string): ResourceClient<T> {
  const apiVersion = apiVersionOf(ref)
  const collection = (ofNamespace = namespace) =>
    `/${ref.group === '' ? 'api' : 'apis'}/${apiVersion}/${ofNamespace && ref.namespaced ? `namespaces/${ofNamespace}/` : ''}${ref.plural}`
  const item = (name: string, ofNamespace = namespace, subresource = '') =>
    `${collection(ofNamespace)}/${encodeURIComponent(name)}${subresource && `/${subresource}`}`
  const typed = (object: T): T => ({ ...object, apiVersion, kind: ref.kind })
  const put = (object: T, options: WriteOptions | undefined, subresource: string) =>
    send('PUT', item(object.metadata?.name ?? '', object.metadata?.namespace ?? namespace, subresource), { query: queryOf({ ...options }), body: typed(object) })
  const send = async <R = Stored<T>>(method: TransportRequest['method'], path: string, rest: Omit<TransportRequest, 'method' | 'path'> = {}) =>
    (await transport.send({ method, path, ...rest })) as R
  return {
    get: (name, options) => send('GET', item(name), { query: queryOf({ ...options }) }),
    list: (options) => send<KubeList<Stored<T>>>('GET', collection(), { query: queryOf({ ...options }) }),
    watch: ({ signal, ...options }) =>
      transport.watch({ method: 'GET', path: collection(), query: watchQuery(options), signal }) as ReturnType<ResourceClient<T>['watch']>,
    create: (object, options) => send('POST', collection(object.metadata?.namespace ?? namespace), { query: queryOf({ ...options }), body: typed(object) }),
    update: (object, options) => put(object, options, ''),
    updateStatus: (object, options) => put(object, options, 'status'),
    patch: (name, patch, { type, subresource, ...options }: PatchOptions) =>
      send('PATCH', item(name, namespace, subresource), { query: queryOf({ ...options }), body: patch, contentType: patchTypes[type] }),
    delete: async (name, options) => void (await send('DELETE', item(name), deletion(options))),
    deleteCollection: async (options, select) => void (await send('DELETE', collection(), { ...deletion(options), query: queryOf({ ...select }) })),
    createSubresource: <R>(name: string, subresource: string, body: unknown) => send<R>('POST', item(name, namespace, subresource), { body }),
    getSubresource: <R>(name: string, subresource: string) => send<R>('GET', item(name, namespace, subresource)),
    updateSubresource: <R>(name: string, subresource: string, body: unknown) => send<R>('PUT', item(name, namespace, subresource), { body }),
  }
}

const deletion = (options: DeleteOptions | undefined) => (options ? { body: { ...options, apiVersion: 'v1', kind: 'DeleteOptions' } } : {})

function watchQuery(options: Omit<WatchOptions, 'signal'>): URLSearchParams {
  const query = queryOf({ ...options })
  query.set('watch', 'true')
  if (options.sendInitialEvents) query.set('resourceVersionMatch', 'NotOlderThan')
  return query
}

function queryOf({ dryRun, ...options }: ListOptions & WriteOptions & { force?: boolean } & Omit<WatchOptions, 'signal'>): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) if (value !== undefined && value !== '') query.set(name, String(value))
  if (dryRun) query.set('dryRun', 'All')
  return query
}
