import type { Deployment } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, nameColumn, text, wide } from '../common/columns.ts'
import { selectorText } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { replicasScale } from '../common/replicas.ts'
import { keepSpec, statusHooks, v1 } from '../common/strategy.ts'
import { validateDeployment, validateDeploymentStatus, validateSelectorUpdate } from './validation.ts'
import { replicatedWarnings } from '../common/warnings/workloads.ts'

function defaults({ spec }: Deployment): void {
  if (!spec) return
  defaultPodTemplate(spec.template)
  spec.replicas ??= 1
  spec.strategy ??= {}
  spec.strategy.type ||= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
}

export const deployments = defineResource<Deployment>({
  group: 'apps', kind: 'Deployment', plural: 'deployments', singular: 'deployment', shortNames: ['deploy'], categories: ['all'], namespaced: true,
  ...v1('apps', 'Deployment'),
  ...statusHooks<Deployment>(() => ({})),
  defaults,
  validate: validateDeployment,
  warnings: replicatedWarnings,
  validateUpdate: validateSelectorUpdate,
  subresources: {
    status: {
      resetFields: ['spec', 'metadata.labels'],
      prepareForUpdate(draft, current) {
        keepSpec(draft, current)
        const { labels: _, ...metadata } = draft.metadata ?? {}
        draft.metadata = current.metadata?.labels ? { ...metadata, labels: current.metadata.labels } : metadata
      },
      validateUpdate: validateDeploymentStatus,
    },
  },
  scale: replicasScale<Deployment>((object) => selectorText(object.spec?.selector)),
  columns: [
    nameColumn,
    text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    text('Up-to-date', (object) => object.status?.updatedReplicas ?? 0),
    text('Available', (object) => object.status?.availableReplicas ?? 0),
    ageColumn,
    ...containerColumns<Deployment>((object) => object.spec?.template.spec?.containers).map(wide),
    wide(text('Selector', (object) => selectorText(object.spec?.selector))),
  ],
})
