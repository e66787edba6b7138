// Who makes a request, and what it asks for: the words in which authentication, authorization and admission speak.

export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export const serviceAccountUser = (namespace: string, name: string): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
})

export const nodeUser = (name: string): UserInfo => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })

export const mastersUser: UserInfo = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] }

/** The loopback identity of the API server itself; bound to `system:masters`. */
export const apiServerUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** What an authorizer decides on (source: k8s.io/apiserver/pkg/authorization/authorizer `Attributes`). */
export interface Attributes {
  readonly user: UserInfo
  /** `get list watch create update patch delete deletecollection`, for non-resource paths the HTTP method in lower case. */
  readonly verb: string
  readonly isResourceRequest: boolean
  /** The path as asked for. */
  readonly path: string
  readonly group: string
  readonly version: string
  /** Plural, without subresource. Empty for non-resource requests. */
  readonly resource: string
  readonly subresource: string
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string
  /** Also for a list or watch whose field selector names one object by `metadata.name=`. */
  readonly name: string
  /** Of list, watch and deletecollection, as in the query; undefined or empty: none. */
  readonly fieldSelector?: string
  readonly labelSelector?: string
}
