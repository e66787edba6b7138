// Defaults and bounds of what containers, pods and claims may ask for (source: plugin/pkg/admission/limitranger).
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/generated/types.ts'
import { parseAmounts, podLimits, podRequests } from '../../api/pod-resources.ts'
import type { ResourceAmounts } from '../../api/pod-resources.ts'
import { parseQuantity } from '../../api/quantity.ts'
import type { Quantity } from '../../api/quantity.ts'
import { limitranges } from '../../api/refs.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { aggregateText, draftOf, forbid, matches } from './requests.ts'

export function createLimitRanger(reader: ObjectReader): AdmissionPlugin {
  const limitsFor = ({ attributes }: AdmissionRequest) => reader.list(limitranges, attributes.namespace).map(({ spec }) => spec?.limits ?? [])
  const isPod = (request: AdmissionRequest) => request.definition.plural === 'pods'
  return {
    name: 'LimitRanger',
    handles: (request) => !request.current?.metadata?.deletionTimestamp && (
      matches(request, { resource: 'pods', operations: ['CREATE'] }) || matches(request, { resource: 'pods', operations: ['UPDATE'], subresources: ['resize'] }) ||
      matches(request, { resource: 'persistentvolumeclaims', operations: ['CREATE', 'UPDATE'] })),
    mutate(request) {
      if (isPod(request)) for (const limits of limitsFor(request)) applyDefaults(draftOf<Pod>(request), limits)
    },
    validate(request) {
      for (const limits of limitsFor(request)) {
        const reasons = isPod(request) ? podViolations(draftOf<Pod>(request), limits) : claimViolations(draftOf<PersistentVolumeClaim>(request), limits)
        if (reasons.length) throw forbid(request, aggregateText(reasons))
      }
    },
  }
}

function applyDefaults(pod: Pod, limits: readonly LimitRangeItem[]): void {
  const ofContainers = limits.filter(({ type }) => type === 'Container')
  const defaults = {
    requests: Object.assign({}, ...ofContainers.map((limit) => limit.defaultRequest)) as Record<string, string>,
    limits: Object.assign({}, ...ofContainers.map((limit) => limit.default)) as Record<string, string>,
  }
  const notes: string[] = []
  const complete = (container: Container, called: string) => {
    for (const [part, word] of [['requests', 'request'], ['limits', 'limit']] as const) {
      const missing = Object.keys(defaults[part]).filter((name) => container.resources?.[part]?.[name] === undefined).sort()
      if (!missing.length) continue
      const added = Object.fromEntries(missing.map((name) => [name, defaults[part][name]]))
      container.resources = { ...container.resources, [part]: { ...container.resources?.[part], ...added } }
      notes.push(`${missing.join(', ')} ${word} for ${called} ${container.name}`)
    }
  }
  for (const container of pod.spec?.containers ?? []) complete(container, 'container')
  for (const container of pod.spec?.initContainers ?? []) complete(container, 'init container')
  if (!notes.length) return
  pod.metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, 'kubernetes.io/limit-ranger': `LimitRanger plugin set: ${notes.join('; ')}` } }
}

function podViolations(pod: Pod, limits: readonly LimitRangeItem[]): string[] {
  return limits.flatMap((limit) => {
    if (limit.type === 'Pod') return violations(limit, podRequests(pod), podLimits(pod))
    if (limit.type !== 'Container') return []
    const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
    return containers.flatMap(({ resources }) => violations(limit, parseAmounts(resources?.requests), parseAmounts(resources?.limits)))
  })
}

function claimViolations({ spec }: PersistentVolumeClaim, limits: readonly LimitRangeItem[]): string[] {
  const requests = parseAmounts(spec?.resources?.requests)
  return limits.filter(({ type }) => type === 'PersistentVolumeClaim').flatMap((limit) => [
    ...bounds(limit.min, (name, bound) => tooLow(limit.type, name, bound, requests.get(name), undefined)),
    ...bounds(limit.max, (name, bound) => tooHighRequest(limit.type, name, bound, requests.get(name))),
  ])
}

const violations = (limit: LimitRangeItem, requests: ResourceAmounts, limits: ResourceAmounts): string[] => [
  ...bounds(limit.min, (name, bound) => tooLow(limit.type, name, bound, requests.get(name), limits.get(name))),
  ...bounds(limit.max, (name, bound) => tooHigh(limit.type, name, bound, requests.get(name), limits.get(name))),
  ...bounds(limit.maxLimitRequestRatio, (name, bound) => tooFarApart(limit.type, name, bound, requests.get(name), limits.get(name))),
]

const bounds = (list: Readonly<Record<string, string>> | undefined, check: (name: string, bound: Quantity) => string | undefined): string[] =>
  Object.entries(list ?? {}).flatMap(([name, text]) => check(name, parseQuantity(text)) ?? [])

function tooLow(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${bound}`
  if (!request) return `${rule}.  No request is specified`
  if (request.compare(bound) < 0) return `${rule}, but request is ${request}`
  return limit && limit.compare(bound) < 0 ? `${rule}, but limit is ${limit}` : undefined
}

function tooHigh(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${bound}`
  if (!limit) return `${rule}.  No limit is specified`
  if (limit.compare(bound) > 0) return `${rule}, but limit is ${limit}`
  return request && request.compare(bound) > 0 ? `${rule}, but request is ${request}` : undefined
}

function tooHighRequest(type: string, name: string, bound: Quantity, request: Quantity | undefined): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${bound}`
  if (!request) return `${rule}.  No request is specified`
  return request.compare(bound) > 0 ? `${rule}, but request is ${request}` : undefined
}

function tooFarApart(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${bound}`
  if (!request || request.isZero()) return `${rule}, but no request is specified or request is 0`
  if (!limit || limit.isZero()) return `${rule}, but no limit is specified or limit is 0`
  const ratio = limit.milliValue() / request.milliValue()
  return ratio * 1000 > bound.milliValue() ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}
