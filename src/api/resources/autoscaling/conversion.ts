// autoscaling/v1 knows one metric, CPU utilization; what else v2 holds travels in annotations (source: pkg/apis/autoscaling/v1/conversion.go).
import type { ObjectMeta, HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from '../../generated/types.ts'

const keys = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
}

const isCpu = (metric: V2MetricSpec) => metric.type === 'Resource' && metric.resource?.name === 'cpu' && metric.resource.target.averageUtilization !== undefined
const isCpuStatus = (metric: V2MetricStatus) => metric.type === 'Resource' && metric.resource?.name === 'cpu'

function withAnnotations(metadata: ObjectMeta | undefined, annotations: Record<string, string>): ObjectMeta {
  const { annotations: _, ...rest } = metadata ?? {}
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest
}

function parsed<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

export function autoscalerFromV1(object: HorizontalPodAutoscaler): V2HorizontalPodAutoscaler {
  const { [keys.metrics]: metrics, [keys.currentMetrics]: currentMetrics, [keys.conditions]: conditions, [keys.behavior]: behavior, ...annotations } = object.metadata?.annotations ?? {}
  const { targetCPUUtilizationPercentage: cpu, ...spec } = object.spec ?? { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } }
  const { currentCPUUtilizationPercentage: currentCpu, ...status } = object.status ?? { currentReplicas: 0, desiredReplicas: 0 }
  const all = [
    ...(cpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } } }]),
    ...(parsed<V2MetricSpec[]>(metrics) ?? []),
  ]
  const current = [
    ...(currentCpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCpu } } }]),
    ...(parsed<V2MetricStatus[]>(currentMetrics) ?? []),
  ]
  return {
    kind: object.kind, metadata: withAnnotations(object.metadata, annotations),
    spec: { ...spec, ...(all.length > 0 ? { metrics: all } : {}), ...(behavior ? { behavior: parsed(behavior) } : {}) },
    status: { ...status, currentMetrics: current, conditions: parsed(conditions) ?? [] },
  }
}

export function autoscalerToV1(object: V2HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...spec } = object.spec ?? { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } }
  const { currentMetrics = [], conditions = [], ...status } = object.status ?? { desiredReplicas: 0 }
  const cpu = metrics.find(isCpu)
  const currentCpu = currentMetrics.find(isCpuStatus)?.resource?.current.averageUtilization
  const others = metrics.filter((m) => m !== cpu)
  const otherStatus = currentMetrics.filter((m) => !isCpuStatus(m) || m.resource?.current.averageUtilization === undefined)
  const annotations = {
    ...object.metadata?.annotations,
    ...(others.length > 0 ? { [keys.metrics]: JSON.stringify(others) } : {}),
    ...(otherStatus.length > 0 ? { [keys.currentMetrics]: JSON.stringify(otherStatus) } : {}),
    ...(conditions.length > 0 ? { [keys.conditions]: JSON.stringify(conditions) } : {}),
    ...(behavior ? { [keys.behavior]: JSON.stringify(behavior) } : {}),
  }
  return {
    kind: object.kind, metadata: withAnnotations(object.metadata, annotations),
    spec: { ...spec, ...(cpu ? { targetCPUUtilizationPercentage: cpu.resource?.target.averageUtilization } : {}) },
    status: { ...status, currentReplicas: status.currentReplicas ?? 0, ...(currentCpu === undefined ? {} : { currentCPUUtilizationPercentage: currentCpu }) },
  }
}
