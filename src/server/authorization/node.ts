// What a kubelet may do: its own node and lease, pods bound to it, and what those pods refer to (source: plugin/pkg/auth/authorizer/node).
import type { PersistentVolume, Pod } from '../../api/generated/types.ts'
import { objectKey } from '../../api/object.ts'
import type { Stored } from '../../api/object.ts'
import { persistentvolumes, pods, volumeattachments } from '../../api/refs.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { Authorizer, Decision } from './authorizer.ts'
import { bootstrapRules } from './bootstrap-objects.ts'
import { podReferences, reference } from './node-references.ts'
import type { ReferenceKind } from './node-references.ts'
import { ruleAllows } from './rules.ts'

const allow: Decision = { verdict: 'allow', reason: '' }
const no = (reason = ''): Decision => ({ verdict: 'no-opinion', reason })

/** The node that a user is; undefined for everyone else. */
export const nodeNameOf = (user: UserInfo): string | undefined =>
  (user.name.startsWith('system:node:') && user.groups.includes('system:nodes') ? user.name.slice('system:node:'.length) : undefined)

export function createNodeAuthorizer(reader: ObjectReader): Authorizer {
  const graph = createNodeGraph(reader)
  const rules = bootstrapRules('system:node')
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user)
      if (node === undefined) return no()
      if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`)
      const special = attributes.isResourceRequest ? checks[`${attributes.resource}.${attributes.group}`] : undefined
      if (special) return special(attributes, node, graph)
      return rules.some((rule) => ruleAllows(attributes, rule)) ? allow : no()
    },
  }
}

type Check = (attributes: Attributes, node: string, graph: NodeGraph) => Decision

/** By `resource.group`: those whose access depends on more than the verb. */
const checks: Readonly<Record<string, Check>> = {
  'secrets.': (attributes, node, graph) => readNamespaced(attributes, node, graph, 'secret'),
  'configmaps.': (attributes, node, graph) => readNamespaced(attributes, node, graph, 'configmap'),
  'persistentvolumeclaims.': persistentVolumeClaim,
  'persistentvolumes.': (attributes, node, graph) => getOnly(attributes) ?? related(attributes, node, () => graph.usesVolume(node, attributes.name)),
  'resourceclaims.resource.k8s.io': (attributes, node, graph) => getOnly(attributes) ?? relatedTo(attributes, node, graph, 'resourceclaim'),
  'volumeattachments.storage.k8s.io': (attributes, node, graph) => getOnly(attributes) ?? related(attributes, node, () => graph.isAttachedTo(node, attributes.name)),
  'serviceaccounts.': serviceAccount,
  'leases.coordination.k8s.io': lease,
  'csinodes.storage.k8s.io': csiNode,
  'nodes.': ownNode,
  'pods.': pod,
}

function related({ name }: Attributes, node: string, isRelated: () => boolean): Decision {
  if (!name) return no('No Object name found')
  return isRelated() ? allow : no(`no relationship found between node '${node}' and this object`)
}

const relatedTo = (attributes: Attributes, node: string, graph: NodeGraph, kind: ReferenceKind) =>
  related(attributes, node, () => graph.refers(node, kind, attributes.namespace, attributes.name))

function getOnly({ verb, subresource }: Attributes): Decision | undefined {
  if (verb !== 'get') return no('can only get individual resources of this type')
  return subresource ? no('cannot get subresource') : undefined
}

function readNamespaced(attributes: Attributes, node: string, graph: NodeGraph, kind: ReferenceKind): Decision {
  if (!['get', 'list', 'watch'].includes(attributes.verb)) return no('can only read resources of this type')
  if (attributes.subresource) return no('cannot read subresource')
  if (!attributes.namespace) return no('can only read namespaced object of this type')
  return relatedTo(attributes, node, graph, kind)
}

function persistentVolumeClaim(attributes: Attributes, node: string, graph: NodeGraph): Decision {
  if (attributes.subresource !== 'status') return getOnly(attributes) ?? relatedTo(attributes, node, graph, 'persistentvolumeclaim')
  if (!['update', 'patch'].includes(attributes.verb)) return no('can only get/update/patch this type')
  return relatedTo(attributes, node, graph, 'persistentvolumeclaim')
}

function serviceAccount(attributes: Attributes, node: string, graph: NodeGraph): Decision {
  const { verb, subresource, name } = attributes
  if (verb === 'get' && !subresource) return readNamespaced(attributes, node, graph, 'serviceaccount')
  if (verb !== 'create' || !name) return no('can only create tokens for individual service accounts')
  if (subresource !== 'token') return no('can only create token subresource of serviceaccount')
  return relatedTo(attributes, node, graph, 'serviceaccount')
}

const ownObjectVerbs = ['get', 'create', 'update', 'patch', 'delete']

function lease({ verb, namespace, name }: Attributes, node: string): Decision {
  if (!ownObjectVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace')
  // On create the name is not known yet; admission looks at it.
  if (verb !== 'create' && name !== node) return no('can only access node lease with the same name as the requesting node')
  return allow
}

function csiNode({ verb, subresource, name }: Attributes, node: string): Decision {
  if (!ownObjectVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode')
  if (subresource) return no('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node) return no('can only access CSINode with the same name as the requesting node')
  return allow
}

function ownNode({ verb, subresource, name }: Attributes, node: string): Decision {
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? allow : no()
  if (subresource) return no()
  if (['create', 'update', 'patch'].includes(verb)) return allow
  if (!['get', 'list', 'watch'].includes(verb)) return no()
  if (name === node) return allow
  return no(name ? `node '${node}' cannot read '${name}', only its own Node object` : `node '${node}' cannot read all nodes, only its own Node object`)
}

function pod(attributes: Attributes, node: string, graph: NodeGraph): Decision {
  const { verb, subresource, name, fieldSelector } = attributes
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? allow : no()
  if (subresource === 'eviction') return verb === 'create' ? allow : no()
  if (subresource) return no()
  if (verb === 'create' || verb === 'delete') return allow
  if (verb === 'get') return relatedTo(attributes, node, graph, 'pod')
  if (verb !== 'list' && verb !== 'watch') return no()
  if (fieldSelector?.split(',').some((term) => /^spec\.nodeName==?/.test(term) && term.slice(term.lastIndexOf('=') + 1) === node)) return allow
  return name ? relatedTo(attributes, node, graph, 'pod') : no('can only list/watch pods with spec.nodeName field selector')
}

interface NodeGraph {
  refers(node: string, kind: ReferenceKind, namespace: string, name: string): boolean
  usesVolume(node: string, volume: string): boolean
  isAttachedTo(node: string, attachment: string): boolean
}

/** Keeps what the pods of each node refer to. Volumes are few and asked for rarely: they are looked at when asked for. */
function createNodeGraph(reader: ObjectReader): NodeGraph {
  const byNode = new Map<string, Map<string, Set<string>>>()
  const remove = (gone: Stored<Pod>) => {
    const node = gone.spec?.nodeName ?? ''
    const known = byNode.get(node)
    known?.delete(objectKey(gone))
    if (known?.size === 0) byNode.delete(node)
  }
  const add = (seen: Stored<Pod>) => {
    const node = seen.spec?.nodeName
    if (!node) return
    const known = byNode.get(node) ?? new Map<string, Set<string>>()
    byNode.set(node, known.set(objectKey(seen), podReferences(seen)))
  }
  reader.onChange(pods, (before, now) => {
    if (before && now && sameReferences(before, now)) return
    if (before) remove(before)
    if (now) add(now)
  })
  for (const seen of reader.list(pods)) add(seen)

  const has = (node: string, key: string): boolean => [...(byNode.get(node)?.values() ?? [])].some((keys) => keys.has(key))
  const usesVolume = (node: string, { spec }: PersistentVolume) =>
    spec?.claimRef !== undefined && has(node, reference('persistentvolumeclaim', spec.claimRef.namespace ?? '', spec.claimRef.name ?? ''))
  const volumeSecret = (node: string, namespace: string, name: string) => reader.list(persistentvolumes).some((volume) =>
    volumeSecrets(volume).some((secret) => secret.name === name && (secret.namespace || volume.spec?.claimRef?.namespace) === namespace) && usesVolume(node, volume))
  return {
    refers: (node, kind, namespace, name) => has(node, reference(kind, namespace, name)) || (kind === 'secret' && volumeSecret(node, namespace, name)),
    usesVolume(node, name) {
      const volume = reader.get(persistentvolumes, name)
      return volume !== undefined && usesVolume(node, volume)
    },
    isAttachedTo: (node, name) => reader.get(volumeattachments, name)?.spec.nodeName === node,
  }
}

const sameReferences = (before: Stored<Pod>, now: Stored<Pod>) =>
  before.spec?.nodeName === now.spec?.nodeName && before.metadata.uid === now.metadata.uid &&
  before.spec?.ephemeralContainers?.length === now.spec?.ephemeralContainers?.length &&
  before.status?.resourceClaimStatuses?.length === now.status?.resourceClaimStatuses?.length

/** Those that a kubelet needs to mount the volume. */
function volumeSecrets({ spec = {} }: PersistentVolume): { name?: string; namespace?: string }[] {
  const { azureFile: azure, csi } = spec
  const named = [spec.cephfs, spec.cinder, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi, spec.storageos].map((source) => source?.secretRef)
  const ofDriver = [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef]
  const ofAzure = azure && { name: azure.secretName, ...(azure.secretNamespace ? { namespace: azure.secretNamespace } : {}) }
  return [...named, ...ofDriver, ofAzure].filter((one) => one !== undefined)
}
