// Small plug-ins that fill in one thing each.
import type { Binding, Ingress, IngressClass, Node, PersistentVolumeClaim, Pod, StorageClass, Toleration } from '../../api/generated/types.ts'
import type { KubeObject, Stored } from '../../api/object.ts'
import { ingressclasses, nodes, storageclasses } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin } from './admission.ts'
import { draftOf, matches } from './requests.ts'

const toleranceSeconds = 300

/** A pod stays five minutes on a node that is lost, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (request) => matches(request, { resource: 'pods', operations: ['CREATE', 'UPDATE'] }),
  mutate(request) {
    const { spec } = draftOf<Pod>(request)
    if (!spec) return
    const tolerates = (key: string) => spec.tolerations?.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === 'NoExecute'))
    const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter((key) => !tolerates(key))
    const added: Toleration[] = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: toleranceSeconds }))
    if (added.length) spec.tolerations = [...(spec.tolerations ?? []), ...added]
  },
}

/** A new node gets no pods before it has reported to be ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (request) => matches(request, { resource: 'nodes', operations: ['CREATE'] }),
  mutate(request) {
    const node = draftOf<Node>(request)
    const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
    if (node.spec?.taints?.some(({ key, effect }) => key === taint.key && effect === taint.effect)) return
    node.spec = { ...node.spec, taints: [...(node.spec?.taints ?? []), taint] }
  },
}

const newest = <T extends KubeObject>(classes: readonly Stored<T>[]): Stored<T> | undefined =>
  [...classes].sort((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) || a.metadata.name.localeCompare(b.metadata.name))[0]

const isDefaultStorageClass = ({ metadata }: StorageClass) =>
  ['storageclass.kubernetes.io', 'storageclass.beta.kubernetes.io'].some((domain) => metadata?.annotations?.[`${domain}/is-default-class`] === 'true')

export const createDefaultStorageClass = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'DefaultStorageClass',
  handles: (request) => matches(request, { resource: 'persistentvolumeclaims', operations: ['CREATE'] }),
  mutate(request) {
    const claim = draftOf<PersistentVolumeClaim>(request)
    if (claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined || claim.spec?.storageClassName !== undefined || !claim.spec) {
      return
    }
    const found = newest(reader.list(storageclasses).filter(isDefaultStorageClass))
    if (found) claim.spec.storageClassName = found.metadata.name
  },
})

const isDefaultIngressClass = ({ metadata }: IngressClass) => metadata?.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true'

export const createDefaultIngressClass = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'DefaultIngressClass',
  handles: (request) => matches(request, { resource: 'ingresses.networking.k8s.io', operations: ['CREATE'] }),
  mutate(request) {
    const ingress = draftOf<Ingress>(request)
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata?.annotations?.['kubernetes.io/ingress.class'] !== undefined) return
    const found = newest(reader.list(ingressclasses).filter(isDefaultIngressClass))
    if (found) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name }
  },
})

const protections: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  volumeattributesclasses: 'kubernetes.io/vac-protection',
}

/** Volumes and claims go only when nothing uses them: the finalizer is removed by a controller. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: ({ operation, definition, attributes }) => operation === 'CREATE' && !attributes.subresource && protections[definition.plural] !== undefined,
  mutate({ draft, definition }) {
    const finalizer = protections[definition.plural]!
    if (!draft || draft.metadata?.finalizers?.includes(finalizer)) return
    draft.metadata = { ...draft.metadata, finalizers: [...(draft.metadata?.finalizers ?? []), finalizer] }
  },
}

/** Tells a pod where its node stands. */
export const createPodTopologyLabels = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'PodTopologyLabels',
  handles: (request) => matches(request, { resource: 'pods', operations: ['CREATE'], subresources: ['', 'binding'] }),
  mutate(request) {
    const { draft, attributes } = request
    if (!draft) return
    const { target } = draft as Binding
    const node = attributes.subresource ? (target?.kind === 'Node' ? target.name : undefined) : (draft as Pod).spec?.nodeName
    const labels = (node && reader.get(nodes, node)?.metadata.labels) || {}
    const copied = Object.fromEntries(['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']
      .flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])))
    if (Object.keys(copied).length) draft.metadata = { ...draft.metadata, labels: { ...draft.metadata?.labels, ...copied } }
  },
})
