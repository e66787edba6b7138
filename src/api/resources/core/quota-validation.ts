// Resource quotas and limit ranges.
import { duplicate, forbidden, invalid, required } from '../../field-error.ts'
import type { LimitRange, LimitRangeItem, ResourceQuota, ScopedResourceSelectorRequirement } from '../../generated/types.ts'
import { isQualifiedName } from '../../names.ts'
import { type Findings, listed, messages } from '../common/validation/findings.ts'
import { containerResourceName, isStandardQuotaResource, quantityOf, resourceAmount, resourceName } from '../common/validation/resource-names.ts'

type List = Readonly<Record<string, string>> | undefined

function* quotaList(field: string, list: List): Findings {
  for (const [name, text] of Object.entries(list ?? {})) {
    yield* resourceName(`${field}[${name}]`, name)
    if (!name.includes('/') && !isStandardQuotaResource(name)) yield invalid(`${field}[${name}]`, name, 'must be a standard resource for quota')
    yield* resourceAmount(`${field}[${name}]`, name, text)
  }
}

const computeResources = new Set(['pods', ...['', 'requests.', 'limits.'].flatMap((kind) => ['cpu', 'memory'].map((name) => kind + name))])
/** Resources that each scope can count; those of pods where the scope is of pods. */
const scopes: Readonly<Record<string, ((name: string) => boolean) | undefined>> = {
  BestEffort: (name) => name === 'pods', NotBestEffort: (name) => computeResources.has(name),
  Terminating: (name) => computeResources.has(name), NotTerminating: (name) => computeResources.has(name),
  PriorityClass: (name) => computeResources.has(name), CrossNamespacePodAffinity: (name) => computeResources.has(name),
  VolumeAttributesClass: () => true,
}
const opposites = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const

function* scope(field: string, name: string, { shown, hard, nameField = field }: { shown: unknown; hard: List; nameField?: string }): Findings {
  const counts = scopes[name]
  if (!counts) yield invalid(nameField, nameField === field ? shown : name, 'unsupported scope')
  for (const resource of Object.keys(hard ?? {}).sort()) {
    if (isStandardQuotaResource(resource) && counts && !counts(resource)) yield invalid(field, shown, 'unsupported scope applied to resource')
  }
}

function* scopeExpression(field: string, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): Findings {
  const existential = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'].includes(scopeName)
  if (existential && operator !== 'Exists') {
    yield invalid(`${field}.operator`, operator, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) yield required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) yield invalid(`${field}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
  } else yield invalid(`${field}.operator`, operator, 'not a valid selector operator')
}

export const validateResourceQuota = listed(function* ({ spec = {} }: ResourceQuota): Findings {
  yield* quotaList('spec.hard', spec.hard)
  for (const name of spec.scopes ?? []) yield* scope('spec.scopes', name, { shown: spec.scopes, hard: spec.hard })
  for (const expression of spec.scopeSelector?.matchExpressions ?? []) {
    const at = 'spec.scopeSelector.matchExpressions'
    yield* scope(at, expression.scopeName, { shown: spec.scopeSelector, hard: spec.hard, nameField: `${at}.scopeName` })
    yield* scopeExpression(at, expression)
  }
  for (const pair of opposites) if (pair.every((name) => spec.scopes?.includes(name))) yield invalid('spec.scopes', spec.scopes, 'conflicting scopes')
})

export const validateResourceQuotaUpdate = listed(function* (draft: ResourceQuota, current: ResourceQuota): Findings {
  const sorted = (names: string[] | undefined) => [...new Set(names)].sort().join(',')
  if (sorted(draft.spec?.scopes) !== sorted(current.spec?.scopes)) yield invalid('spec.scopes', draft.spec?.scopes, 'field is immutable')
})

export const validateResourceQuotaStatus = listed(function* ({ status }: ResourceQuota): Findings {
  yield* quotaList('status.hard', status?.hard)
  yield* quotaList('status.used', status?.used)
})

function* limitNames(field: string, item: LimitRangeItem): Findings {
  const rule = item.type === 'Pod' || item.type === 'Container' ? containerResourceName : resourceName
  for (const list of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    if (item.type === 'Pod' && (list === 'default' || list === 'defaultRequest')) {
      if (Object.keys(item[list] ?? {}).length > 0) yield forbidden(`${field}.${list}`, "may not be specified when `type` is 'Pod'")
      continue
    }
    for (const name of Object.keys(item[list] ?? {})) yield* rule(`${field}.${list}[${name}]`, name)
  }
}

function* limitOrder(field: string, item: LimitRangeItem): Findings {
  const names = new Set(Object.keys({ ...item.max, ...item.min, ...item.default, ...item.defaultRequest, ...item.maxLimitRequestRatio }))
  for (const name of names) {
    const [min, max, limit, request, ratio] = [item.min, item.max, item.default, item.defaultRequest, item.maxLimitRequestRatio].map((list) => quantityOf(list?.[name]))
    const above = (a: typeof min, b: typeof min) => a !== undefined && b !== undefined && a.compare(b) > 0
    if (above(min, max)) yield invalid(`${field}.min[${name}]`, `${min}`, `min value ${min} is greater than max value ${max}`)
    if (above(min, request)) {
      yield invalid(`${field}.defaultRequest[${name}]`, `${request}`, `min value ${min} is greater than default request value ${request}`)
    }
    if (above(request, max)) {
      yield invalid(`${field}.defaultRequest[${name}]`, `${request}`, `default request value ${request} is greater than max value ${max}`)
    }
    if (above(request, limit)) {
      yield invalid(`${field}.defaultRequest[${name}]`, `${request}`, `default request value ${request} is greater than default limit value ${limit}`)
    }
    if (above(min, limit)) yield invalid(`${field}.default[${name}]`, `${min}`, `min value ${min} is greater than default value ${limit}`)
    if (above(limit, max)) yield invalid(`${field}.default[${name}]`, `${max}`, `default value ${limit} is greater than max value ${max}`)
    if (ratio && ratio.nanos < 1_000_000_000n) yield invalid(`${field}.maxLimitRequestRatio[${name}]`, `${ratio}`, `ratio ${ratio} is less than 1`)
  }
}

export const validateLimitRange = listed(function* ({ spec }: LimitRange): Findings {
  const seen = new Set<string>()
  for (const [index, item] of (spec?.limits ?? []).entries()) {
    const at = `spec.limits[${index}]`
    const wrong = [...messages(`${at}.type`, item.type, isQualifiedName(item.type ?? ''))]
    yield* wrong
    if (wrong.length === 0 && !item.type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(item.type)) {
      yield invalid(`${at}.type`, item.type, 'must be a standard limit type or fully qualified')
    }
    if (seen.has(item.type)) yield duplicate(`${at}.type`, item.type)
    seen.add(item.type)
    yield* limitNames(at, item)
    if (item.type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
      yield required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided')
    }
    yield* limitOrder(at, item)
  }
})
