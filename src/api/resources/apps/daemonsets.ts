import type { DaemonSet } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from '../common/columns.ts'
import { labelsOrNone, selectorOrNone } from '../common/label-text.ts'
import { equal } from '../common/equal.ts'
import { defaultPodTemplate } from '../common/pod-spec/defaults.ts'
import { statusHooks, v1 } from '../common/strategy.ts'
import { validateDaemonSet, validateDaemonSetStatus, validateSelectorUpdate } from './validation.ts'
import { daemonSetWarnings } from '../common/warnings/workloads.ts'

const status = statusHooks<DaemonSet>(() => ({ currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }), validateDaemonSetStatus)

function defaults({ spec }: DaemonSet): void {
  if (!spec) return
  defaultPodTemplate(spec.template)
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ||= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= 10
}

/** A field of older versions, kept in an annotation: how often the template has changed. */
const templateGenerationKey = 'deprecated.daemonset.template.generation'
const templateGeneration = (set: DaemonSet) => Number(set.metadata?.annotations?.[templateGenerationKey] ?? 0)

function setTemplateGeneration(draft: DaemonSet, generation: number): void {
  draft.metadata ??= {}
  draft.metadata.annotations = { ...draft.metadata.annotations, [templateGenerationKey]: String(generation) }
}

export const daemonsets = defineResource<DaemonSet>({
  group: 'apps', kind: 'DaemonSet', plural: 'daemonsets', singular: 'daemonset', shortNames: ['ds'], categories: ['all'], namespaced: true,
  ...v1('apps', 'DaemonSet'),
  ...status,
  defaults,
  validate: validateDaemonSet,
  warnings: daemonSetWarnings,
  validateUpdate: validateSelectorUpdate,
  prepareForCreate(draft) {
    status.prepareForCreate(draft)
    if (templateGeneration(draft) < 1) setTemplateGeneration(draft, 1)
  },
  prepareForUpdate(draft, current) {
    status.prepareForUpdate(draft, current)
    setTemplateGeneration(draft, templateGeneration(current) + (equal(draft.spec?.template, current.spec?.template) ? 0 : 1))
  },
  columns: [
    nameColumn,
    integer('Desired', (object) => object.status?.desiredNumberScheduled ?? 0),
    integer('Current', (object) => object.status?.currentNumberScheduled ?? 0),
    integer('Ready', (object) => object.status?.numberReady ?? 0),
    integer('Up-to-date', (object) => object.status?.updatedNumberScheduled ?? 0),
    integer('Available', (object) => object.status?.numberAvailable ?? 0),
    text('Node Selector', (object) => labelsOrNone(object.spec?.template.spec?.nodeSelector)),
    ageColumn,
    ...containerColumns<DaemonSet>((object) => object.spec?.template.spec?.containers).map(wide),
    wide(text('Selector', (object) => selectorOrNone(object.spec?.selector))),
  ],
})
