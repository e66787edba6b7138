// A kubelet writes only its own node, lease and the pods bound to it (source: plugin/pkg/admission/noderestriction).
import { isDeepStrictEqual } from 'node:util'
import type { AuthenticationV1TokenRequest, CertificateSigningRequest, Node, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts'
import { nodes, pods } from '../../api/refs.ts'
import { notFoundError } from '../../api/status-error.ts'
import { parseCertificateRequest } from '../../pki/certificate-request.ts'
import { nodeNameOf } from '../authorization/node.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { mirrorAnnotation, podReferences } from '../authorization/node-references.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { currentOf, draftOf, forbid, resourceOf } from './requests.ts'

interface World {
  reader: ObjectReader
  authorizer: Authorizer
}

/** @throws StatusError to refuse. */
type Check = (request: AdmissionRequest, node: string, world: World) => Promise<void> | void

export const createNodeRestriction = (world: World): AdmissionPlugin => ({
  name: 'NodeRestriction',
  handles: ({ operation, attributes }) => operation !== 'CONNECT' && nodeNameOf(attributes.user) !== undefined,
  mutate(request) {
    const node = nodeNameOf(request.attributes.user)
    if (!node) throw forbid(request, `could not determine node from user ${JSON.stringify(request.attributes.user.name)}`)
    return checks[resourceOf(request)]?.(request, node, world)
  },
})

const checks: Readonly<Record<string, Check>> = {
  'pods': pod,
  'nodes': ownNode,
  'persistentvolumeclaims': claimStatus,
  'serviceaccounts': token,
  'leases.coordination.k8s.io': lease,
  'csinodes.storage.k8s.io': (request, node) => ownName(request, node, 'can only access CSINode with the same name as the requesting node'),
  'resourceslices.resource.k8s.io': resourceSlice,
  'certificatesigningrequests.certificates.k8s.io': certificateRequest,
}

const quoted = (text: string) => JSON.stringify(text)

function pod(request: AdmissionRequest, node: string, world: World): void {
  const { operation, attributes } = request
  if (attributes.subresource === 'status') return podStatus(request, node)
  if (attributes.subresource === 'eviction') {
    if (boundPod(request, world).spec?.nodeName !== node) throw forbid(request, `node ${node} can only evict pods with spec.nodeName set to itself`)
    return
  }
  if (attributes.subresource) throw forbid(request, `unexpected pod subresource ${quoted(attributes.subresource)}, only 'status' and 'eviction' are allowed`)
  if (operation === 'CREATE') return mirrorPod(request, node, world)
  if (operation !== 'DELETE') throw forbid(request, `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`)
  if (boundPod(request, world).spec?.nodeName !== node) throw forbid(request, `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`)
}

function boundPod({ attributes }: AdmissionRequest, { reader }: World) {
  const found = reader.get(pods, attributes.name, attributes.namespace)
  if (!found) throw notFoundError({ group: '', resource: 'pods' }, attributes.name)
  return found
}

function mirrorPod(request: AdmissionRequest, node: string, { reader }: World): void {
  const { metadata, spec } = draftOf<Pod>(request)
  const who = `node ${quoted(node)}`
  if (metadata?.annotations?.[mirrorAnnotation] === undefined) {
    throw forbid(request, `pod does not have ${quoted(mirrorAnnotation)} annotation, ${who} can only create mirror pods`)
  }
  if (spec?.nodeName !== node) throw forbid(request, `${who} can only create pods with spec.nodeName set to itself`)
  const owners = metadata.ownerReferences ?? []
  const [owner] = owners
  if (owners.length > 1) throw forbid(request, `${who} can only create pods with a single owner reference set to itself`)
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw forbid(request, `${who} can only create pods with an owner reference set to itself`)
  }
  if (!owner.controller) throw forbid(request, `${who} can only create pods with a controller owner reference set to itself`)
  if (owner.blockOwnerDeletion) throw forbid(request, `${who} must not set blockOwnerDeletion on an owner reference`)
  const uid = reader.get(nodes, node)?.metadata.uid
  if (uid === undefined) throw notFoundError({ group: '', resource: 'nodes' }, node)
  if (owner.uid !== uid) throw forbid(request, `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`)
  const referred = apiReference(draftOf<Pod>(request))
  if (referred) throw forbid(request, `${who} can not create pods that reference ${referred}`)
}

/** The kind of object that the pod needs from the API, for a pod that may need none. */
function apiReference(mirror: Pod): string | undefined {
  const references = [...podReferences({ ...mirror, metadata: { ...mirror.metadata, annotations: {} } })]
  const refersTo = (kind: string) => references.some((reference) => reference.startsWith(`${kind}/`))
  const named = ['serviceaccount', 'secret', 'configmap'].find(refersTo)
  if (named) return `${named}s`
  if (mirror.spec?.resourceClaims?.length) return 'resourceclaims'
  if (refersTo('persistentvolumeclaim')) return 'persistentvolumeclaims'
  for (const { csi, glusterfs, projected } of mirror.spec?.volumes ?? []) {
    if (csi) return 'csidrivers (via CSI volumes)'
    if (glusterfs) return 'endpoints (via glusterFS volumes)'
    if (projected?.sources?.some((source) => source.serviceAccountToken)) return 'serviceaccounts (via projected volumes)'
    if (projected?.sources?.some((source) => source.clusterTrustBundle)) return 'clustertrustbundles'
  }
  return undefined
}

function podStatus(request: AdmissionRequest, node: string): void {
  if (request.operation !== 'UPDATE') throw forbid(request, `unexpected operation ${quoted(request.operation)}`)
  const [before, now] = [currentOf<Pod>(request), draftOf<Pod>(request)]
  if (before.spec?.nodeName !== node) throw forbid(request, `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`)
  if (!same(before.metadata?.labels, now.metadata?.labels)) throw forbid(request, `node ${quoted(node)} cannot update labels through pod status`)
  if (!same(before.status?.resourceClaimStatuses, now.status?.resourceClaimStatuses)) {
    throw forbid(request, `node ${quoted(node)} cannot update resource claim statues`)
  }
}

/** Nothing and empty are the same, as on the wire. */
function same(a: object | undefined, b: object | undefined): boolean {
  return isDeepStrictEqual(a && Object.keys(a).length ? { ...a } : undefined, b && Object.keys(b).length ? { ...b } : undefined)
}

function ownNode(request: AdmissionRequest, node: string): void {
  const name = request.attributes.name || request.draft?.metadata?.name || ''
  if (name !== node) throw forbid(request, `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`)
  if (request.operation === 'DELETE') return
  const now = draftOf<Node>(request)
  const before = request.operation === 'UPDATE' ? currentOf<Node>(request) : undefined
  const forbidden = changedLabels(before?.metadata?.labels, now.metadata?.labels).filter(isReserved)
  if (!before) {
    if (now.spec?.configSource) throw forbid(request, `node ${quoted(node)} is not allowed to create pods with a non-nil configSource`)
    if (forbidden.length) throw forbid(request, `node ${quoted(node)} is not allowed to set the following labels: ${forbidden.join(', ')}`)
    return
  }
  if (now.spec?.configSource && !same(now.spec.configSource, before.spec?.configSource)) {
    throw forbid(request, `node ${quoted(node)} is not allowed to update configSource to a new non-nil configSource`)
  }
  if (!same(now.spec?.taints, before.spec?.taints)) throw forbid(request, `node ${quoted(node)} is not allowed to modify taints`)
  if (!same(now.metadata?.ownerReferences, before.metadata?.ownerReferences)) {
    throw forbid(request, `node ${quoted(node)} is not allowed to modify ownerReferences`)
  }
  if (forbidden.length) throw forbid(request, `is not allowed to modify labels: ${forbidden.join(', ')}`)
}

const changedLabels = (before: Readonly<Record<string, string>> = {}, now: Readonly<Record<string, string>> = {}): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((key) => before[key] !== now[key]).sort()

const kubeletLabels = new Set([
  'kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type', 'kubernetes.io/os', 'kubernetes.io/arch',
  'beta.kubernetes.io/os', 'beta.kubernetes.io/arch',
])

/** Labels by which an administrator steers work to nodes: a node must not set them on itself. */
function isReserved(label: string): boolean {
  const domain = label.includes('/') ? label.slice(0, label.indexOf('/')) : ''
  const within = (parent: string) => domain === parent || domain.endsWith(`.${parent}`)
  if (within('node-restriction.kubernetes.io')) return true
  const ours = within('kubernetes.io') || within('k8s.io')
  return ours && !kubeletLabels.has(label) && !within('kubelet.kubernetes.io') && !within('node.kubernetes.io')
}

function claimStatus(request: AdmissionRequest, node: string): void {
  if (request.attributes.subresource !== 'status') throw forbid(request, 'may only update PVC status')
  const stripped = ({ metadata, status, ...rest }: PersistentVolumeClaim): unknown => {
    const { resourceVersion: _revision, managedFields: _fields, ...kept } = metadata ?? {}
    const { capacity: _capacity, conditions: _conditions, allocatedResources: _allocated, allocatedResourceStatuses: _statuses, ...others } = status ?? {}
    return JSON.parse(JSON.stringify({ ...rest, metadata: kept, status: others }))
  }
  if (!isDeepStrictEqual(stripped(currentOf(request)), stripped(draftOf(request)))) {
    throw forbid(request, `node ${quoted(node)} is not allowed to update fields other than status.quantity and status.conditions`)
  }
}

function token(request: AdmissionRequest, node: string, world: World): void {
  if (request.operation !== 'CREATE' || request.attributes.subresource !== 'token') return
  const { spec } = draftOf<AuthenticationV1TokenRequest>(request)
  const ref = spec?.boundObjectRef
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) throw forbid(request, 'node requested token not bound to a pod')
  if (!ref.uid) throw forbid(request, 'node requested token with a pod binding without a uid')
  const bound = world.reader.get(pods, ref.name, request.attributes.namespace)
  if (!bound) throw notFoundError({ group: '', resource: 'pods' }, ref.name)
  if (ref.uid !== bound.metadata.uid) {
    throw forbid(request, `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`)
  }
  if (bound.spec?.nodeName !== node) throw forbid(request, 'node requested token bound to a pod scheduled on a different node')
  checkAudience(request, bound, spec?.audiences ?? [], world.authorizer)
}

function checkAudience(request: AdmissionRequest, bound: Pod, audiences: readonly string[], authorizer: Authorizer): void {
  if (audiences.length > 1) throw forbid(request, 'node may only request 0 or 1 audiences')
  const audience = audiences[0] ?? ''
  const projected = (bound.spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []).map((source) => source.serviceAccountToken)
  if (projected.some((source) => source && (source.audience ?? '') === audience)) {
    return
  }
  const { attributes } = request
  const asked = { ...attributes, verb: 'request-serviceaccounts-token-audience', group: '', version: 'v1', resource: audience, subresource: '' }
  if (authorizer.authorize(asked).verdict === 'allow') return
  throw forbid(request, `audience ${quoted(audience)} not found in pod spec volume, ${attributes.user.name} is not authorized to request tokens for this audience`)
}

function ownName(request: AdmissionRequest, node: string, why: string): void {
  const name = request.operation === 'CREATE' ? request.draft?.metadata?.name : request.attributes.name
  if (name !== node) throw forbid(request, why)
}

function lease(request: AdmissionRequest, node: string): void {
  if (request.attributes.namespace !== 'kube-node-lease') throw forbid(request, 'can only access leases in the "kube-node-lease" system namespace')
  ownName(request, node, 'can only access node lease with the same name as the requesting node')
}

function resourceSlice(request: AdmissionRequest, node: string): void {
  const nodeOf = (object: object | undefined) => (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName
  if (request.operation === 'CREATE' && nodeOf(request.draft) !== node) {
    throw forbid(request, 'can only create ResourceSlice with the same NodeName as the requesting node')
  }
  if (request.operation === 'DELETE' && nodeOf(request.current) !== node) {
    throw forbid(request, 'can only delete ResourceSlice with the same NodeName as the requesting node')
  }
}

async function certificateRequest(request: AdmissionRequest, node: string): Promise<void> {
  if (request.operation !== 'CREATE') return
  const { signerName, request: pem } = draftOf<CertificateSigningRequest>(request).spec
  if (signerName !== 'kubernetes.io/kubelet-serving' && signerName !== 'kubernetes.io/kube-apiserver-client-kubelet') return
  const parsed = await parseCertificateRequest(Buffer.from(pem, 'base64').toString('utf8')).catch((error: Error) => {
    throw forbid(request, `unable to parse csr: ${error.message}`)
  })
  if (parsed.commonName !== `system:node:${node}`) throw forbid(request, `can only create a node CSR with CN=system:node:${node}`)
}
