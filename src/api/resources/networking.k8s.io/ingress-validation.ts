// Ingresses and their classes (source: pkg/apis/networking/validation).
import { isIP } from 'node:net'
import { forbidden, invalid, notSupported, required, tooLong } from '../../field-error.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressSpec } from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain, isDomainPrefixedPath, isPortName, isPortNumber, isWildcardDnsSubdomain } from '../../names.ts'
import { checked, type Findings, immutable, listed, messages, requiredAnd } from '../common/validation/findings.ts'
import { legacyIp } from '../common/validation/ip.ts'
import { typedReference } from '../common/validation/references.ts'

const hostRule = (host: string) => (host.includes('*') ? isWildcardDnsSubdomain(host) : isDnsSubdomain(host))

function* backend(field: string, { resource, service }: IngressBackend): Findings {
  if (resource && service) return yield invalid(field, '', 'cannot set both resource and service backends')
  if (resource) return yield* typedReference(`${field}.resource`, resource)
  if (!service) return yield invalid(field, '', 'resource or service backend is required')
  yield* requiredAnd(`${field}.service.name`, service.name, isDnsLabel)
  const { name, number } = service.port ?? {}
  if (name && number) yield invalid(field, '', 'cannot set both port name & port number')
  else if (name) yield* checked(`${field}.service.port.name`, name, isPortName)
  else if (number) yield* messages(`${field}.service.port.number`, number, isPortNumber(number))
  else yield required(field, 'port name or number is required')
}

const oddSequences = ['//', '/./', '/../', '%2f', '%2F']
const oddEnds = ['/..', '/.']

function* path(field: string, { path: text = '', pathType, backend: target }: HTTPIngressPath): Findings {
  if (pathType === undefined) return yield required(`${field}.pathType`, 'pathType must be specified')
  const at = `${field}.path`
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!text.startsWith('/')) yield invalid(at, text, 'must be an absolute path')
    for (const sequence of oddSequences) if (text.includes(sequence)) yield invalid(at, text, `must not contain '${sequence}'`)
    for (const end of oddEnds) if (text.endsWith(end)) yield invalid(at, text, `cannot end with '${end}'`)
  } else if (pathType === 'ImplementationSpecific') {
    if (text && !text.startsWith('/')) yield invalid(at, text, 'must be an absolute path')
  } else yield notSupported(`${field}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix'])
  yield* backend(`${field}.backend`, target ?? {})
}

function* rules({ rules: all = [] }: IngressSpec): Findings {
  for (const [index, { host, http }] of all.entries()) {
    const at = `spec.rules[${index}]`
    if (host) {
      if (isIP(host)) yield invalid(`${at}.host`, host, 'must be a DNS name, not an IP address')
      yield* checked(`${at}.host`, host, hostRule)
    }
    if (!http) continue
    if (!http.paths?.length) yield required(`${at}.http.paths`)
    for (const [i, p] of (http.paths ?? []).entries()) yield* path(`${at}.http.paths[${i}]`, p)
  }
}

export const validateIngress = listed(function* ({ spec = {} }: Ingress): Findings {
  if (!spec.rules?.length && !spec.defaultBackend) yield invalid('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified')
  if (spec.defaultBackend) yield* backend('spec.defaultBackend', spec.defaultBackend)
  yield* rules(spec)
  for (const [index, { hosts = [], secretName }] of (spec.tls ?? []).entries()) {
    for (const [i, host] of hosts.entries()) yield* checked(`spec.tls[${index}].hosts[${i}]`, host, hostRule)
    if (secretName) yield* checked(`spec.tls[${index}].secretName`, secretName, isDnsSubdomain)
  }
  if (spec.ingressClassName !== undefined) yield* checked('spec.ingressClassName', spec.ingressClassName, isDnsSubdomain)
})

const classKey = 'kubernetes.io/ingress.class'

export const validateIngressCreate = listed(function* ({ metadata, spec }: Ingress): Findings {
  const annotated = metadata?.annotations?.[classKey]
  if (annotated !== undefined && spec?.ingressClassName !== undefined && annotated !== spec.ingressClassName) {
    yield invalid(`annotations.${classKey}`, annotated, 'must match `ingressClassName` when both are specified')
  }
})

export const validateIngressStatus = listed(function* ({ status }: Ingress): Findings {
  for (const [index, { ip, hostname }] of (status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${index}]`
    if (ip) yield* legacyIp(`${at}.ip`, ip)
    if (!hostname) continue
    yield* checked(`${at}.hostname`, hostname, isDnsSubdomain)
    if (isIP(hostname)) yield invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address')
  }
})

export const validateIngressClass = listed(function* ({ spec }: IngressClass): Findings {
  const controller = spec?.controller ?? ''
  if (controller.length > 250) yield tooLong('spec.controller', 250)
  yield* requiredAnd('spec.controller', controller, isDomainPrefixedPath)
  const to = spec?.parameters
  if (!to) return
  const at = 'spec.parameters'
  yield* typedReference(at, to)
  if (to.scope !== 'Cluster' && to.scope !== 'Namespace') yield notSupported(`${at}.scope`, to.scope, ['Cluster', 'Namespace'])
  if (to.scope === 'Namespace') {
    if (to.namespace === undefined) yield required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'")
    else yield* checked(`${at}.namespace`, to.namespace, isDnsLabel)
  }
  if (to.scope === 'Cluster' && to.namespace !== undefined) yield forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'")
})

export const validateIngressClassUpdate = listed(function* (draft: IngressClass, current: IngressClass): Findings {
  yield* immutable('spec.controller', draft.spec?.controller, current.spec?.controller)
})
