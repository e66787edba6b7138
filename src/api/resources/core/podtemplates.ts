import type { PodTemplate } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { containerColumns, nameColumn, text } from '../common/columns.ts'
import { labelsOrNone } from '../common/label-text.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { podTemplate } from '../common/pod-spec/validation/template.ts'
import { v1 } from '../common/strategy.ts'
import { podTemplateWarnings } from './warnings.ts'

export const podtemplates = defineResource<PodTemplate>({
  group: '', kind: 'PodTemplate', plural: 'podtemplates', singular: 'podtemplate', namespaced: true,
  ...v1('core', 'PodTemplate'),
  generation: 'all',
  defaults: (draft) => defaultPodTemplate(draft.template),
  validate: (object) => [...podTemplate('template', object.template)],
  warnings: podTemplateWarnings,
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>((object) => object.template?.spec?.containers),
    text('Pod Labels', (object) => labelsOrNone(object.template?.metadata?.labels)),
  ],
})
