import type { StatefulSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, nameColumn, text, wide } from '../common/columns.ts'
import { selectorText } from '../common/label-text.ts'
import { statusHooks, v1 } from '../common/strategy.ts'

export const statefulsets = defineResource<StatefulSet>({
  group: 'apps', kind: 'StatefulSet', plural: 'statefulsets', singular: 'statefulset', shortNames: ['sts'], categories: ['all'], namespaced: true,
  ...v1('apps', 'StatefulSet'),
  ...statusHooks<StatefulSet>(() => ({ replicas: 0, availableReplicas: 0 })),
  scale: {
    specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas',
    selector: (object) => selectorText((object as StatefulSet).spec?.selector),
  },
  columns: [
    nameColumn,
    text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    ageColumn,
    ...containerColumns<StatefulSet>((object) => object.spec?.template.spec?.containers).map(wide),
  ],
})
