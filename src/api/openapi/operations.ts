// What can be done at which path, as one list for both dialects.
import type { ResourceDefinition, ServedVersion } from '../resource.ts'
import { type Gvk, metaName } from './definitions.ts'

type Verb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export interface Operation {
  path: string
  method: 'get' | 'put' | 'post' | 'patch' | 'delete'
  verb: Verb
  id: string
  tag: string
  summary: string
  gvk: Gvk
  /** Of the path: `name`, `namespace`. */
  pathParameters: readonly string[]
  queryParameters: readonly string[]
  /** Definition names. */
  body?: string
  answer: string
  patchTypes?: readonly string[]
}

const methods: Readonly<Record<Verb, Operation['method']>> = { get: 'get', list: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete', deletecollection: 'delete' }
const actions: Readonly<Record<Verb, string>> = { get: 'get', list: 'list', create: 'post', update: 'put', patch: 'patch', delete: 'delete', deletecollection: 'deletecollection' }
const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update']
const idWords: Readonly<Record<Verb, string>> = { get: 'read', list: 'list', create: 'create', update: 'replace', patch: 'patch', delete: 'delete', deletecollection: 'deleteCollection' }
const listing = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch']
const writing = ['dryRun', 'fieldManager', 'fieldValidation']
const deleting = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy']
const parameters: Readonly<Record<Verb, readonly string[]>> = {
  get: [], list: listing, create: writing, update: writing, patch: [...writing, 'force'], delete: deleting,
  deletecollection: [...deleting, 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch'],
}

export const actionOf = (verb: Verb): string => actions[verb]

const capital = (text: string): string => (text === '' ? '' : text[0]!.toUpperCase() + text.slice(1))
const groupWord = (group: string): string => (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '').split('.')[0]!)
export const rootPath = (group: string, version: string): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`)
const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']

/** Every operation on one version of a kind. */
export function operationsOf(resource: ResourceDefinition, version: ServedVersion): Operation[] {
  const verbs = new Set<string>(resource.verbs ?? allVerbs)
  const gvk = { group: resource.group, version: version.name, kind: resource.kind }
  const root = `/${rootPath(resource.group, version.name)}`
  const collection = `${root}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`
  const scope = resource.namespaced ? ['namespace'] : []
  const one = ['name', ...scope]
  const make = maker(resource, version, gvk)
  const operations: Operation[] = []
  for (const verb of ['list', 'create', 'deletecollection'] as const) if (verbs.has(verb)) operations.push(make({ verb, path: collection, of: scope, kind: version.schema }))
  for (const verb of ['get', 'update', 'patch', 'delete'] as const) if (verbs.has(verb)) operations.push(make({ verb, path: `${collection}/{name}`, of: one, kind: version.schema }))
  for (const name of Object.keys(resource.subresources ?? {}))
    for (const verb of ['get', 'update', 'patch'] as const) operations.push(make({ verb, path: `${collection}/{name}/${name}`, of: one, kind: version.schema, subresource: name }))
  if (resource.scale)
    for (const verb of ['get', 'update', 'patch'] as const)
      operations.push(make({ verb, path: `${collection}/{name}/scale`, of: one, kind: 'io.k8s.api.autoscaling.v1.Scale', subresource: 'scale', gvk: { group: 'autoscaling', version: 'v1', kind: 'Scale' } }))
  if (resource.namespaced && verbs.has('list')) operations.push(make({ verb: 'list', path: `${root}/${resource.plural}`, of: [], kind: version.schema, suffix: 'ForAllNamespaces' }))
  return operations
}

interface Part {
  verb: Verb
  path: string
  of: readonly string[]
  kind: string
  subresource?: string
  gvk?: Gvk
  suffix?: string
}

function maker(resource: ResourceDefinition, version: ServedVersion, own: Gvk) {
  const group = groupWord(resource.group)
  return ({ verb, path, of, kind, subresource = '', gvk = own, suffix = '' }: Part): Operation => {
    const scope = of.includes('namespace') ? 'Namespaced' : ''
    const answer = verb === 'list' ? `${kind}List` : verb === 'delete' || verb === 'deletecollection' ? metaName('Status') : kind
    const body = verb === 'patch' ? metaName('Patch') : verb === 'create' || verb === 'update' ? kind : verb.startsWith('delete') ? metaName('DeleteOptions') : undefined
    return {
      path, method: methods[verb], verb, gvk, answer, pathParameters: of, queryParameters: parameters[verb], tag: `${group}_${version.name}`,
      id: `${idWords[verb]}${capital(group)}${capital(version.name)}${scope}${resource.kind}${capital(subresource)}${suffix}`,
      summary: `${idWords[verb]} ${resource.kind}${subresource ? ` ${subresource}` : ''}`,
      ...(body ? { body } : {}),
      ...(verb === 'patch' ? { patchTypes } : {}),
    }
  }
}

const booleans = new Set(['allowWatchBookmarks', 'force', 'orphanDependents', 'sendInitialEvents', 'watch'])
const integers = new Set(['gracePeriodSeconds', 'limit', 'timeoutSeconds'])

export const parameterType = (name: string): 'boolean' | 'integer' | 'string' => (booleans.has(name) ? 'boolean' : integers.has(name) ? 'integer' : 'string')
