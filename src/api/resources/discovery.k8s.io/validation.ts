// Source: pkg/apis/discovery/validation.
import { isIPv4, isIPv6 } from 'node:net'
import { duplicate, invalid, notSupported, required, tooMany } from '../../field-error.ts'
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice } from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain, isLabelValue } from '../../names.ts'
import { endpointIp } from '../common/validation/endpoint-ip.ts'
import { checked, type Findings, immutable, listed, oneOf, qualifiedName } from '../common/validation/findings.ts'
import { legacyIp, strictIp } from '../common/validation/ip.ts'

const types = ['FQDN', 'IPv4', 'IPv6']

function* address(field: string, text: string, { type, list }: { type: string; list: string }): Findings {
  if (type === 'FQDN') return yield* checked(field, text, isDnsSubdomain)
  const wrong = [...(type === 'IPv4' ? legacyIp(field, text) : strictIp(field, text))]
  if (wrong.length > 0) return yield* wrong
  if (type === 'IPv4' && !isIPv4(text)) yield invalid(list, text, 'must be an IPv4 address')
  if (type === 'IPv6' && !isIPv6(text)) yield invalid(list, text, 'must be an IPv6 address')
  yield* endpointIp(field, text)
}

function* hints(field: string, all: readonly { name: string }[] | undefined, rule: (text: string) => string[]): Findings {
  if ((all?.length ?? 0) > 8) return yield tooMany(field, all!.length, 8)
  for (const [index, { name }] of (all ?? []).entries()) {
    if (all!.findIndex((other) => other.name === name) < index) yield duplicate(`${field}[${index}].name`, name)
    yield* checked(`${field}[${index}].name`, name, rule)
  }
}

function* endpoint(field: string, own: Endpoint, type: string): Findings {
  const list = `${field}.addresses`
  if (!own.addresses?.length) yield required(list, 'must contain at least 1 address')
  else if (own.addresses.length > 100) yield tooMany(list, own.addresses.length, 100)
  for (const [index, text] of (own.addresses ?? []).entries()) yield* address(`${list}[${index}]`, text, { type, list })
  if (own.nodeName !== undefined) yield* checked(`${field}.nodeName`, own.nodeName, isDnsSubdomain)
  if (own.hostname !== undefined) yield* checked(`${field}.hostname`, own.hostname, isDnsLabel)
  yield* hints(`${field}.hints.forZones`, own.hints?.forZones, isLabelValue)
  yield* hints(`${field}.hints.forNodes`, own.hints?.forNodes, isDnsSubdomain)
}

function* ports(all: readonly DiscoveryV1EndpointPort[]): Findings {
  if (all.length > 20000) return yield tooMany('ports', all.length, 20000)
  for (const [index, { name = '', protocol, appProtocol }] of all.entries()) {
    if (name) yield* checked(`ports[${index}].name`, name, isDnsLabel)
    if (all.findIndex((p) => (p.name ?? '') === name) < index) yield duplicate(`ports[${index}].name`, name)
    yield* oneOf(`ports[${index}].protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
    if (appProtocol !== undefined) yield* qualifiedName(`ports[${index}].appProtocol`, appProtocol)
  }
}

export const validateEndpointSlice = listed(function* ({ addressType, ports: all, endpoints = [] }: EndpointSlice): Findings {
  if (!addressType) yield required('addressType')
  else if (!types.includes(addressType)) yield notSupported('addressType', addressType, types)
  yield* ports(all ?? [])
  if (endpoints.length > 1000) return yield tooMany('endpoints', endpoints.length, 1000)
  for (const [index, own] of endpoints.entries()) yield* endpoint(`endpoints[${index}]`, own, addressType)
})

export const validateEndpointSliceUpdate = listed(function* (draft: EndpointSlice, current: EndpointSlice): Findings {
  yield* immutable('addressType', draft.addressType, current.addressType)
})
