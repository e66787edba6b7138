// Network policies, service CIDRs and IP addresses (source: pkg/apis/networking/validation).
import { isIPv6 } from 'node:net'
import { forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { IPAddress, IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, ServiceCIDR } from '../../generated/types.ts'
import { isDnsSubdomain, isPathSegmentName, isPortName, isPortNumber } from '../../names.ts'
import { equal } from '../common/equal.ts'
import { checked, type Findings, immutable, listed, messages, requiredAnd } from '../common/validation/findings.ts'
import { cidrContains, legacyCidr, strictCidr, strictIp } from '../common/validation/ip.ts'
import { labelSelector } from '../common/validation/labels.ts'

function* port(field: string, { protocol, port: own, endPort }: NetworkPolicyPort): Findings {
  if (protocol !== undefined && !['TCP', 'UDP', 'SCTP'].includes(protocol)) yield notSupported(`${field}.protocol`, protocol, ['TCP', 'UDP', 'SCTP'])
  if (typeof own === 'number') {
    yield* messages(`${field}.port`, own, isPortNumber(own))
    if (endPort === undefined) return
    if (endPort < own) yield invalid(`${field}.endPort`, own, 'must be greater than or equal to `port`')
    yield* messages(`${field}.endPort`, endPort, isPortNumber(endPort))
  } else {
    if (endPort !== undefined) {
      yield invalid(`${field}.endPort`, endPort, `may not be specified when \`port\` is ${own === undefined ? 'not specified' : 'non-numeric'}`)
    }
    if (own !== undefined) yield* messages(`${field}.port`, own, isPortName(own))
  }
}

function* ipBlock(field: string, { cidr, except = [] }: IPBlock): Findings {
  if (!cidr) return yield required(`${field}.cidr`)
  const wrong = [...legacyCidr(`${field}.cidr`, cidr)]
  yield* wrong
  for (const [index, part] of except.entries()) {
    const at = `${field}.except[${index}]`
    const odd = [...legacyCidr(at, part)]
    yield* odd
    if (wrong.length + odd.length === 0 && (!cidrContains(cidr, part) || cidr.split('/')[1] === part.split('/')[1])) {
      yield invalid(at, part, 'must be a strict subset of `cidr`')
    }
  }
}

function* peer(field: string, { podSelector, namespaceSelector, ipBlock: block }: NetworkPolicyPeer): Findings {
  yield* labelSelector(`${field}.podSelector`, podSelector)
  yield* labelSelector(`${field}.namespaceSelector`, namespaceSelector)
  if (block) yield* ipBlock(`${field}.ipBlock`, block)
  if (!podSelector && !namespaceSelector && !block) yield required(field, 'must specify a peer')
  else if (block && (podSelector || namespaceSelector)) yield forbidden(field, 'may not specify both ipBlock and another peer')
}

function* rules(field: string, ports: readonly NetworkPolicyPort[] | undefined, [name, peers]: [string, readonly NetworkPolicyPeer[] | undefined]): Findings {
  for (const [index, p] of (ports ?? []).entries()) yield* port(`${field}.ports[${index}]`, p)
  for (const [index, p] of (peers ?? []).entries()) yield* peer(`${field}.${name}[${index}]`, p)
}

export const validateNetworkPolicy = listed(function* ({ spec }: NetworkPolicy): Findings {
  yield* labelSelector('spec.podSelector', spec?.podSelector)
  for (const [index, { ports, from }] of (spec?.ingress ?? []).entries()) yield* rules(`spec.ingress[${index}]`, ports, ['from', from])
  for (const [index, { ports, to }] of (spec?.egress ?? []).entries()) yield* rules(`spec.egress[${index}]`, ports, ['to', to])
  const types = spec?.policyTypes ?? []
  if (types.length > 2) return yield invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')
  for (const [index, type] of types.entries()) {
    if (type !== 'Ingress' && type !== 'Egress') yield notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress'])
  }
})

export const validateServiceCidr = listed(function* ({ spec }: ServiceCIDR): Findings {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) return yield required('spec.cidrs', 'at least one CIDR required')
  if (cidrs.length > 2) return yield invalid('spec.cidrs', spec, 'may only hold up to 2 values')
  for (const [index, cidr] of cidrs.entries()) yield* strictCidr(`spec.cidrs[${index}]`, cidr)
  const families = cidrs.map((cidr) => isIPv6(cidr.split('/')[0]!))
  if (families.length === 2 && families[0] === families[1]) {
    yield invalid('spec.cidrs', cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')
  }
})

export const validateServiceCidrUpdate = listed(function* (draft: ServiceCIDR, current: ServiceCIDR): Findings {
  const [after, before] = [draft.spec?.cidrs ?? [], current.spec?.cidrs ?? []]
  const grows = after.length >= before.length && equal(after.slice(0, before.length), before)
  if (!grows) yield invalid('spec.cidrs', after, 'field is immutable')
})

export const validateIpAddress = listed(function* ({ metadata, spec }: IPAddress): Findings {
  for (const error of strictIp('metadata.name', metadata?.name ?? '')) yield error
  const parent = spec?.parentRef
  if (!parent) return yield required('spec.parentRef')
  if (parent.group) yield* checked('spec.parentRef.group', parent.group, isDnsSubdomain)
  yield* requiredAnd('spec.parentRef.resource', parent.resource, isPathSegmentName)
  yield* requiredAnd('spec.parentRef.name', parent.name, isPathSegmentName)
  if (parent.namespace) yield* checked('spec.parentRef.namespace', parent.namespace, isPathSegmentName)
})

export const validateIpAddressUpdate = listed(function* (draft: IPAddress, current: IPAddress): Findings {
  yield* immutable('spec.parentRef', draft.spec?.parentRef, current.spec?.parentRef)
})
