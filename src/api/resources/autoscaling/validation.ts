// Source: pkg/apis/autoscaling/validation.
import { forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { V2CrossVersionObjectReference, V2HorizontalPodAutoscaler, V2HPAScalingRules, V2MetricSpec, V2MetricTarget } from '../../generated/types.ts'
import { isDnsLabel, isPathSegmentName } from '../../names.ts'
import { type Findings, listed, nonNegative, oneOfIfSet, requiredAnd } from '../common/validation/findings.ts'
import { nonNegativeQuantity, quantityOf } from '../common/validation/resource-names.ts'

function* reference(field: string, { kind, name, apiVersion = '' }: V2CrossVersionObjectReference, { groupRequired = false } = {}): Findings {
  yield* requiredAnd(`${field}.kind`, kind, isPathSegmentName)
  yield* requiredAnd(`${field}.name`, name, isPathSegmentName)
  if (!apiVersion.includes('/') && groupRequired) yield invalid(`${field}.apiVersion`, apiVersion, 'apiVersion must specify API group')
  if (apiVersion.split('/').length > 2) yield invalid(`${field}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
}

function* target(field: string, own: V2MetricTarget): Findings {
  if (!own.type) yield required(`${field}.type`, 'must specify a metric target type')
  if (!['Utilization', 'Value', 'AverageValue'].includes(own.type)) {
    yield invalid(`${field}.type`, own.type ?? '', 'must be either Utilization, Value, or AverageValue')
  }
  for (const name of ['value', 'averageValue'] as const) {
    const amount = quantityOf(own[name])
    if (amount && amount.nanos <= 0n) yield invalid(`${field}.${name}`, own[name], 'must be positive')
  }
  if (own.averageUtilization !== undefined && own.averageUtilization < 1) {
    yield invalid(`${field}.averageUtilization`, own.averageUtilization, 'must be greater than 0')
  }
}

function* metricName(field: string, name: string | undefined): Findings {
  if (!name) yield required(field, 'must specify a metric name')
  else yield* requiredAnd(field, name, isPathSegmentName)
}

function* resourceTarget(field: string, own: V2MetricTarget): Findings {
  yield* target(field, own)
  const [utilization, average] = [own.averageUtilization !== undefined, own.averageValue !== undefined]
  if (!utilization && !average) yield required(`${field}.averageUtilization`, 'must set either a target raw value or a target utilization')
  if (utilization && average) yield forbidden(`${field}.averageValue`, 'may not set both a target raw value and a target utilization')
}

/** What each kind of metric must say, by its `type`. */
const sources: Readonly<Record<string, { key: keyof V2MetricSpec; check(field: string, metric: V2MetricSpec): Findings }>> = {
  Object: {
    key: 'object',
    *check(field, { object: own }) {
      yield* reference(`${field}.describedObject`, own!.describedObject)
      yield* metricName(`${field}.metric.name`, own!.metric?.name)
      yield* target(`${field}.target`, own!.target)
      if (own!.target.value === undefined && own!.target.averageValue === undefined) {
        yield required(`${field}.target.averageValue`, 'must set either a target value or averageValue')
      }
    },
  },
  External: {
    key: 'external',
    *check(field, { external: own }) {
      yield* metricName(`${field}.metric.name`, own!.metric?.name)
      yield* target(`${field}.target`, own!.target)
      const [value, average] = [own!.target.value !== undefined, own!.target.averageValue !== undefined]
      if (!value && !average) yield required(`${field}.target.averageValue`, 'must set either a target value for metric or a per-pod target')
      if (value && average) yield forbidden(`${field}.target.value`, 'may not set both a target value for metric and a per-pod target')
    },
  },
  Pods: {
    key: 'pods',
    *check(field, { pods: own }) {
      yield* metricName(`${field}.metric.name`, own!.metric?.name)
      yield* target(`${field}.target`, own!.target)
      if (own!.target.averageValue === undefined) yield required(`${field}.target.averageValue`, 'must specify a positive target averageValue')
    },
  },
  Resource: {
    key: 'resource',
    *check(field, { resource: own }) {
      if (!own!.name) yield required(`${field}.name`, 'must specify a resource name')
      yield* resourceTarget(`${field}.target`, own!.target)
    },
  },
  ContainerResource: {
    key: 'containerResource',
    *check(field, { containerResource: own }) {
      if (!own!.name) yield required(`${field}.name`, 'must specify a resource name')
      if (!own!.container) yield required(`${field}.container`, 'must specify a container')
      else yield* requiredAnd(`${field}.container`, own!.container, isDnsLabel)
      yield* resourceTarget(`${field}.target`, own!.target)
    },
  },
}
const sourceTypes = Object.keys(sources).sort()

function* metric(field: string, own: V2MetricSpec): Findings {
  const present = Object.values(sources).filter(({ key }) => own[key])
  if (!own.type) yield required(`${field}.type`, 'must specify a metric source type')
  const expected = sources[own.type]
  if (!expected) for (let i = 0; i < 2; i++) yield notSupported(`${field}.type`, own.type ?? '', sourceTypes)
  if (present[0]) yield* present[0].check(`${field}.${present[0].key}`, own)
  if (expected && !own[expected.key]) yield required(`${field}.${expected.key}`, 'must populate information for the given metric source')
  if (present.length > 1) for (const { key } of present) if (key !== expected?.key) yield forbidden(`${field}.${key}`, 'must populate the given metric source only')
}

function* scalingRules(field: string, rules: V2HPAScalingRules | undefined): Findings {
  if (!rules) return
  const window = rules.stabilizationWindowSeconds
  if (window !== undefined && window < 0) yield invalid(`${field}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero')
  if (window !== undefined && window > 3600) yield invalid(`${field}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600')
  yield* oneOfIfSet(`${field}.selectPolicy`, rules.selectPolicy, ['Disabled', 'Max', 'Min'])
  if (!rules.policies?.length) yield required(`${field}.policies`, 'must specify at least one Policy')
  for (const [index, { type, value, periodSeconds }] of (rules.policies ?? []).entries()) {
    const at = `${field}.policies[${index}]`
    if (type !== 'Pods' && type !== 'Percent') yield notSupported(`${at}.type`, type, ['Percent', 'Pods'])
    if (value <= 0) yield invalid(`${at}.value`, value, 'must be greater than zero')
    if (periodSeconds <= 0) yield invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero')
    if (periodSeconds > 1800) yield invalid(`${at}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800')
  }
  yield* nonNegativeQuantity(`${field}.tolerance`, rules.tolerance)
}

export const validateAutoscaler = listed(function* ({ spec }: V2HorizontalPodAutoscaler): Findings {
  const { minReplicas, maxReplicas = 0 } = spec ?? {}
  if (minReplicas !== undefined && minReplicas < 1) yield invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')
  if (maxReplicas === 0) yield required('spec.maxReplicas', 'must be set and greater than 0')
  else if (maxReplicas < 0) yield invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1')
  if (minReplicas !== undefined && maxReplicas < minReplicas) yield invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')
  yield* reference('spec.scaleTargetRef', spec?.scaleTargetRef ?? { kind: '', name: '' }, { groupRequired: spec?.scaleTargetRef?.kind !== 'ReplicationController' })
  for (const [index, own] of (spec?.metrics ?? []).entries()) yield* metric(`spec.metrics[${index}]`, own)
  const scalesFromZero = spec?.metrics?.some((m) => m.type === 'Object' || m.type === 'External')
  if (minReplicas === 0 && !scalesFromZero) {
    yield forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas')
  }
  yield* scalingRules('spec.behavior.scaleUp', spec?.behavior?.scaleUp)
  yield* scalingRules('spec.behavior.scaleDown', spec?.behavior?.scaleDown)
})

export const validateAutoscalerStatus = listed(function* ({ status }: V2HorizontalPodAutoscaler): Findings {
  yield* nonNegative('status.currentReplicas', status?.currentReplicas)
  yield* nonNegative('status.desiredReplicas', status?.desiredReplicas)
})
