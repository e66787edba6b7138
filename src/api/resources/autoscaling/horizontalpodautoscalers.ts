import type { V2HPAScalingRules, HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { statusHooks } from '../common/strategy.ts'
import { validateAutoscaler, validateAutoscalerStatus } from './validation.ts'
import { autoscalerFromV1, autoscalerToV1 } from './conversion.ts'
import { metricsText } from './metrics-text.ts'

const upRules = (): V2HPAScalingRules => ({
  stabilizationWindowSeconds: 0, selectPolicy: 'Max',
  policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }],
})
const downRules = (): V2HPAScalingRules => ({ selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] })

function defaults({ spec }: V2HorizontalPodAutoscaler): void {
  if (!spec) return
  spec.minReplicas ??= 1
  if (!spec.metrics?.length) spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }]
  if (!spec.behavior) return
  spec.behavior.scaleUp = { ...upRules(), ...spec.behavior.scaleUp }
  spec.behavior.scaleDown = { ...downRules(), ...spec.behavior.scaleDown }
}

export const horizontalpodautoscalers = defineResource<V2HorizontalPodAutoscaler>({
  group: 'autoscaling', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'], categories: ['all'], namespaced: true,
  versions: [
    { name: 'v2', schema: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler' },
    {
      name: 'v1', schema: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
      toStorage: (object) => autoscalerFromV1(object as HorizontalPodAutoscaler), fromStorage: autoscalerToV1,
    },
  ],
  storageVersion: 'v2',
  generation: 'none',
  ...statusHooks<V2HorizontalPodAutoscaler>(() => ({ desiredReplicas: 0 }), validateAutoscalerStatus),
  defaults,
  validate: validateAutoscaler,
  storedOnly: () => 'HorizontalPodAutoscaler is only stored yet: nothing is scaled',
  columns: [
    nameColumn,
    text('Reference', ({ spec }) => `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`),
    text('Targets', metricsText),
    text('MinPods', ({ spec }) => String(spec?.minReplicas ?? '<unset>')),
    text('MaxPods', ({ spec }) => spec?.maxReplicas ?? 0),
    text('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ],
})
