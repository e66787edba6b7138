import type { Deployment } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, nameColumn, text, wide } from '../common/columns.ts'
import { selectorText } from '../common/label-text.ts'
import { statusHooks, v1 } from '../common/strategy.ts'

export const deployments = defineResource<Deployment>({
  group: 'apps', kind: 'Deployment', plural: 'deployments', singular: 'deployment', shortNames: ['deploy'], categories: ['all'], namespaced: true,
  ...v1('apps', 'Deployment'),
  ...statusHooks<Deployment>(() => ({})),
  scale: {
    specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas',
    selector: (object) => selectorText((object as Deployment).spec?.selector),
  },
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
