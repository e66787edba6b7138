// Warnings about network kinds (source: pkg/registry/networking, pkg/registry/discovery).
import type { EndpointSlice, Ingress, IPBlock, NetworkPolicy } from '../../generated/types.ts'
import { cidrWarning, ipWarning } from '../common/validation/ip.ts'
import { warned, type Warnings } from '../common/warnings/warnings.ts'

const ingressClass = 'kubernetes.io/ingress.class'

export const ingressWarnings = warned(function* ({ metadata, spec }: Ingress, current?: Ingress): Warnings {
  if (current || metadata?.annotations?.[ingressClass] === undefined || spec?.ingressClassName !== undefined) return
  yield `annotation "${ingressClass}" is deprecated, please use 'spec.ingressClassName' instead`
})

function* blockWarnings(field: string, block: IPBlock | undefined): Warnings {
  if (!block) return
  yield* cidrWarning(`${field}.cidr`, block.cidr)
  for (const [index, cidr] of (block.except ?? []).entries()) yield* cidrWarning(`${field}.except[${index}]`, cidr)
}

export const networkPolicyWarnings = warned(function* ({ spec }: NetworkPolicy): Warnings {
  for (const [index, { from }] of (spec?.ingress ?? []).entries()) {
    for (const [peer, { ipBlock }] of (from ?? []).entries()) yield* blockWarnings(`spec.ingress[${index}].from[${peer}].ipBlock`, ipBlock)
  }
  for (const [index, { to }] of (spec?.egress ?? []).entries()) {
    for (const [peer, { ipBlock }] of (to ?? []).entries()) yield* blockWarnings(`spec.egress[${index}].to[${peer}].ipBlock`, ipBlock)
  }
})

const controllers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io']

export const endpointSliceWarnings = warned(function* ({ metadata, addressType, endpoints }: EndpointSlice, current?: EndpointSlice): Warnings {
  if (!current && addressType === 'FQDN') yield 'spec.addressType: FQDN endpoints are deprecated'
  if (controllers.includes(metadata?.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return
  for (const [index, { addresses }] of (endpoints ?? []).entries()) {
    for (const [at, address] of (addresses ?? []).entries()) yield* ipWarning(`endpoints[${index}].addresses[${at}]`, address)
  }
})
