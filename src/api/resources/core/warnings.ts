// Warnings about kinds of the core group (source: their strategies in pkg/registry/core).
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Endpoints, EndpointAddress, Node, PersistentVolume, Pod, PodTemplate, ResourceQuota, Secret, Service, ServiceAccount } from '../../generated/types.ts'
import { isDnsLabel } from '../../names.ts'
import { canonicalQuantity, parseQuantity } from '../../quantity.ts'
import { cidrWarning, ipWarning } from '../common/validation/ip.ts'
import { betaStorageClass, betaStorageClassText } from '../common/warnings/claims.ts'
import { nodeSelectorTermWarnings } from '../common/warnings/node-labels.ts'
import { podWarnings } from '../common/warnings/pod-spec.ts'
import { isNewGeneration, warned, type Warnings } from '../common/warnings/warnings.ts'

/** Only of new pods: people do not change pods, others do so often. */
export const podCreateWarnings = warned(function* (draft: Pod, current?: Pod): Warnings {
  if (current) return
  const name = isDnsLabel(draft.metadata?.name ?? '')
  if (name.length > 0) yield `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${name.join(' ')}]`
  yield* podWarnings('', draft)
})

export const podTemplateWarnings = warned(function* (draft: PodTemplate, current?: PodTemplate): Warnings {
  if (isNewGeneration(draft, current)) yield* podWarnings('template.', draft.template)
})

export const nodeWarnings = warned(function* ({ spec }: Node): Warnings {
  if (spec?.configSource) yield 'spec.configSource: the feature is removed'
  if (spec?.externalID) yield 'spec.externalID: this field is deprecated, and is unused by Kubernetes'
  for (const [index, cidr] of (spec?.podCIDRs ?? []).entries()) yield* cidrWarning(`spec.podCIDRs[${index}]`, cidr)
})

export const resourceQuotaWarnings = warned(function* ({ spec }: ResourceQuota): Warnings {
  const hard = spec?.hard ?? {}
  for (const name of ['cpu', 'memory', 'storage', 'ephemeral-storage']) {
    const short = name === 'cpu' || name === 'memory' ? name : undefined
    const [requestName, limitName] = [short && hard[`requests.${name}`] === undefined ? short : `requests.${name}`, `limits.${name}`]
    const [request, limit] = [hard[requestName], hard[limitName]]
    if (request === undefined || limit === undefined || parseQuantity(request).compare(parseQuantity(limit)) <= 0) continue
    yield `ResourceQuota ${requestName} (${canonicalQuantity(request)}) should be less than ${limitName} (${canonicalQuantity(limit)})`
  }
})

function* headlessWarnings(spec: NonNullable<Service['spec']>): Warnings {
  if (spec.loadBalancerIP) yield 'spec.loadBalancerIP is ignored for headless services'
  if (spec.externalIPs?.length) yield 'spec.externalIPs is ignored for headless services'
  if (spec.sessionAffinity !== 'None') yield 'spec.SessionAffinity is ignored for headless services'
}

export const serviceWarnings = warned(function* ({ metadata, spec }: Service): Warnings {
  if (metadata?.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    yield 'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead'
  }
  if (!spec) return
  const external = spec.type === 'ExternalName'
  const headless = spec.type === 'ClusterIP' && spec.clusterIP === 'None'
  if (!headless && !external) for (const [index, ip] of (spec.clusterIPs ?? []).entries()) yield* ipWarning(`spec.clusterIPs[${index}]`, ip)
  if (headless) yield* headlessWarnings(spec)
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) yield* ipWarning(`spec.externalIPs[${index}]`, ip)
  if (spec.externalIPs?.length && !headless && !external) yield 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'
  yield* ipWarning('spec.loadBalancerIP', spec.loadBalancerIP ?? '')
  for (const [index, cidr] of (spec.loadBalancerSourceRanges ?? []).entries()) yield* cidrWarning(`spec.loadBalancerSourceRanges[${index}]`, cidr)
  if (external && spec.externalIPs?.length) yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
  if (!external && spec.externalName) yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
  if (spec.trafficDistribution === 'PreferClose') yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'
})

const blocks = (pem: string): string[] => [...pem.matchAll(/-----BEGIN ([^-]+)-----[^-]*-----END \1-----/g)].map((found) => found[1]!)
const switched = 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'

/** As Go's `tls.X509KeyPair` says it. */
function keyPairProblem(certificate: string, key: string): string | undefined {
  const [certificates, keys] = [blocks(certificate), blocks(key)]
  if (!certificates.includes('CERTIFICATE')) {
    if (certificates.length === 0) return 'tls: failed to find any PEM data in certificate input'
    if (certificates.length === 1 && certificates[0]!.endsWith('PRIVATE KEY')) return switched
    return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${certificates.join(' ')}]`
  }
  if (!keys.some((type) => type.endsWith('PRIVATE KEY'))) {
    if (keys.length === 0) return 'tls: failed to find any PEM data in key input'
    if (keys.length === 1 && keys[0] === 'CERTIFICATE') return 'tls: found a certificate rather than a key in the PEM for the private key'
    return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${keys.join(' ')}]`
  }
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? undefined : 'tls: private key does not match public key'
  } catch {
    return 'tls: failed to parse private key'
  }
}

export const secretWarnings = warned(function* ({ type, data }: Secret): Warnings {
  if (type !== 'kubernetes.io/tls') return
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString('latin1')
  const problem = keyPairProblem(text('tls.crt'), text('tls.key'))
  if (problem) yield problem
})

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets'

export const serviceAccountWarnings = warned(function* (draft: ServiceAccount, current?: ServiceAccount): Warnings {
  const has = (account: ServiceAccount | undefined) => account?.metadata?.annotations?.[mountableSecrets] !== undefined
  if (has(draft) && !has(current)) yield `metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`
})

const removedSources: Readonly<Record<string, [name: string, since: string]>> = {
  cephfs: ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'], photonPersistentDisk: ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  scaleIO: ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'], storageos: ['storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  glusterfs: ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'], rbd: ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
}
const volumeAnnotations = { [betaStorageClass]: betaStorageClassText, 'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead' }

export const volumeWarnings = warned(function* ({ metadata, spec }: PersistentVolume): Warnings {
  for (const [key, text] of Object.entries(volumeAnnotations)) if (metadata?.annotations?.[key] !== undefined) yield `metadata.annotations[${key}]: ${text}`
  if (!spec) return
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    yield 'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
  }
  for (const [index, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    yield* nodeSelectorTermWarnings(`spec.nodeAffinity.required.nodeSelectorTerms[${index}]`, term, false)
  }
  for (const [source, [name, text]] of Object.entries(removedSources)) if (source in spec) yield `spec.${name}: ${text}`
})

function* addressWarnings(field: string, addresses: readonly EndpointAddress[] = []): Warnings {
  for (const [index, { ip }] of addresses.entries()) yield* ipWarning(`${field}[${index}].ip`, ip)
}

export const endpointsWarnings = warned(function* ({ metadata, subsets }: Endpoints): Warnings {
  if (metadata?.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return
  for (const [index, { addresses, notReadyAddresses }] of (subsets ?? []).entries()) {
    yield* addressWarnings(`subsets[${index}].addresses`, addresses)
    yield* addressWarnings(`subsets[${index}].notReadyAddresses`, notReadyAddresses)
  }
})
