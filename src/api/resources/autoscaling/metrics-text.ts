// The `Targets` column of a HorizontalPodAutoscaler: current/target of each metric.
import type { V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from '../../generated/types.ts'
import { listWithMore } from '../common/columns.ts'

interface Figures {
  value?: string
  averageValue?: string
  averageUtilization?: number
}

const unknown = '<unknown>'
const averageOrValue = (target: Figures, current: Figures | undefined) =>
  target.averageValue !== undefined ? `${current?.averageValue ?? unknown}/${target.averageValue} (avg)` : `${current?.value ?? unknown}/${target.value ?? '0'}`

function resource(name: string, target: Figures, current: Figures | undefined): string {
  if (target.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`
  const percent = (n: number | undefined, none: string) => (n === undefined ? none : `${n}%`)
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target.averageUtilization, '<auto>')}`
}

function metric(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  if (spec.type === 'External' && spec.external) return averageOrValue(spec.external.target, status?.external?.current)
  if (spec.type === 'Object' && spec.object) return averageOrValue(spec.object.target, status?.object?.current)
  if (spec.type === 'Pods' && spec.pods) return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods.target.averageValue ?? '0'}`
  if (spec.type === 'Resource' && spec.resource) return resource(spec.resource.name, spec.resource.target, status?.resource?.current)
  if (spec.type === 'ContainerResource' && spec.containerResource) {
    return resource(spec.containerResource.name, spec.containerResource.target, status?.containerResource?.current)
  }
  return '<unknown type>'
}

export const metricsText = ({ spec, status }: V2HorizontalPodAutoscaler): string =>
  listWithMore((spec?.metrics ?? []).map((m, index) => metric(m, status?.currentMetrics?.[index])), 2, ', ') || '<none>'
